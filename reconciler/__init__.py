"""API policies of MuleSoft Anypoint and Salesforce as YAML in git.

    policies/*.yaml --load--> desired --+
                                        +- diff -> plan -(show, check)-> apply -> outcomes -> verify
    platform -------fetch---> live -----+

The core (`reconciler.core`) is pure: values in, values out. The edges read files
(`reconciler.files`) and services (`reconciler.providers`); the shell (`reconciler.run`,
`reconciler.cli`) joins them. `reconciler.emulator` stands in for the services and imports
nothing of the rest.
"""

__version__ = "0.1.0"
