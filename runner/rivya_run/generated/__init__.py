"""What is made from the language and the tables: JSON Schemas and pages of the documentation."""
