"""Everything that touches the outside: settings, store, ledger, importers, exporters, demo district."""
