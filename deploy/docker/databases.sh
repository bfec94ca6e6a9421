#!/bin/bash
# Creates role and database of each subgraph; PostgreSQL's image runs it when its volume is empty.
# The same that deploy/local/postgres_server.py does for a machine without Docker.
set -euo pipefail

for name in $SUBGRAPHS; do
    password=$(cat "/run/secrets/exchange/$name")
    psql -v ON_ERROR_STOP=1 -v name="$name" -v password="$password" --username postgres <<'SQL'
CREATE ROLE :"name" LOGIN PASSWORD :'password';
CREATE DATABASE :"name" OWNER :"name" TEMPLATE template0 ENCODING 'UTF8' LOCALE 'C.UTF-8';
REVOKE CONNECT ON DATABASE :"name" FROM PUBLIC;
SQL
done

extension() {
    psql -v ON_ERROR_STOP=1 --username postgres --dbname "$1" --command "CREATE EXTENSION IF NOT EXISTS $2"
}
for name in $SUBGRAPHS; do
    case $name in
    tasks) extension tasks pg_trgm ;;
    locations) extension locations postgis ;;
    esac
done
