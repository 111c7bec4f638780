"""A study's notes as files that people take along: tables, documents, projects of other tools."""
