"""The contracts that edges satisfy, as Protocols; no implementation lives here."""
