"""The Metadata API: components as plain mappings, read and written by SOAP and by zip files.

    envelope (SOAP) ---\\
                        operations -> kinds -> store
    packages (zips) ---/
"""
