# Starts one MinIO server.
# Sourced by `lab`. User and password are those that `lab env` tells the tests.

minio_user=labadmin
minio_password=labsecret123

# start_minio FOLDER PORT ADDRESS
start_minio() {
  locked minio fetch_minio
  serve "$1" "$2" "$3" '^API: ' /minio/health/ready become_minio
}

become_minio() {
  MINIO_ROOT_USER=$minio_user MINIO_ROOT_PASSWORD=$minio_password MINIO_BROWSER=off \
    exec setsid "$cache/bin/minio" server --address "$2" "$1/data"
}
