# psql takes its connection from PG*. The names of the tables are qualified and quoted, ready for SQL. An error ends it with exit status 3; 75 says that the snapshot could not be imported.
psql --no-psqlrc --quiet --set ON_ERROR_STOP=1 \
  ${YELLOW_SNAPSHOT:+--set snapshot="$YELLOW_SNAPSHOT"} \
  --set customers="$YELLOW_INPUT__ORIGINAL__SHOP__CUSTOMERS" --set addresses="$YELLOW_INPUT__ORIGINAL__SHOP__ADDRESSES" \
  --set masked_customers="$YELLOW_OUTPUT__CUSTOMERS" --set masked_addresses="$YELLOW_OUTPUT__ADDRESSES" \
  --file /opt/mask/mask.sql
status=$?
[ ! -e /tmp/snapshot_is_gone ] || exit 75
exit $status
