"""SOQL: text -(parse)-> Query -(bind)-> checked against the schema -(select)-> records."""
