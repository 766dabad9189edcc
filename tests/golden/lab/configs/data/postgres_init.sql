-- Runs once, on an empty data directory; it may be run again.
-- pgvector where the image has it: the official one has not.
SELECT 'CREATE EXTENSION vector' FROM pg_available_extensions
  WHERE name = 'vector' AND installed_version IS NULL \gexec
CREATE SCHEMA IF NOT EXISTS app;
CREATE SCHEMA IF NOT EXISTS memory;
