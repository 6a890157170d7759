"""Salesforce: who and which connected apps may call an org's APIs.

auth      credentials -> token
assertion private key -> the signed statement of a login
client    one method per endpoint
instances hosts where an org is, and its budget of calls
pages     the pages of a query -> its rows
soql      questions -> query texts
soap      components -> envelopes, and back
nodes     XML -> plain elements, and back
usage     tokens and logins -> which apps and users called the org
archive   files -> the zip of a deployment, and back
results   what became of each item of a call
refusals  what the token endpoint means when it refuses, and what to do
failures  answers -> errors
ids       record ids in their two lengths
"""
