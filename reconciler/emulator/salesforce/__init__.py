"""A Salesforce org: OAuth, REST, SOQL and the Metadata API, as far as API Access Control goes.

    service -(routes)-> gate -> handler -> store of rows -> answer

Rows are plain mappings, because an sObject is one: which fields it has and who may write them is
said once, in `schema`. A row is never changed in place, so that a copy of the tables undoes a
write. Handlers do not await, so every request is atomic.
"""
