# Keys, certificates and kubeconfigs of a Kubernetes that is started here. For tests only: the keys protect nothing.
# Sourced by `lab`.

# authority FOLDER: a certificate authority, and the key that signs the tokens of service accounts.
authority() {
  cat >"$1/openssl.cnf" <<'CNF'
[req]
distinguished_name = dn
[dn]
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth,clientAuth
subjectAltName = $ENV::NAMES
CNF
  x509 "$1" ca /CN=lab-ca DNS:localhost -extensions ca
  openssl genrsa -out "$1/accounts.key" 2048 2>"$1/openssl.log" || die "openssl cannot make a key"
}

# certificate FOLDER NAME SUBJECT [NAMES]: signed by FOLDER's authority, for a server of these names or for a client.
certificate() { x509 "$1" "$2" "$3" "${4:-DNS:localhost}" -extensions leaf -CA "$1/ca.crt" -CAkey "$1/ca.key"; }

# front_proxy FOLDER: by which an API server shows that it passes a request on: an authority for that alone, and a certificate.
front_proxy() {
  x509 "$1" front-proxy-ca /CN=lab-front-proxy-ca DNS:localhost -extensions ca
  x509 "$1" front-proxy /CN=front-proxy-client DNS:localhost -extensions leaf -CA "$1/front-proxy-ca.crt" -CAkey "$1/front-proxy-ca.key"
}

# x509 FOLDER NAME SUBJECT NAMES ARGUMENT...
x509() {
  local folder=$1 name=$2 subject=$3 names=$4; shift 4
  NAMES=$names openssl req -x509 -config "$folder/openssl.cnf" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 \
    -subj "$subject" -keyout "$folder/$name.key" -out "$folder/$name.crt" "$@" 2>"$folder/openssl.log" ||
    die "openssl cannot make the certificate $name: $(tail -1 "$folder/openssl.log")"
}

# kubeconfig FOLDER NAME URL FILE: for the client that has FOLDER's certificate NAME.
kubeconfig() {
  (umask 077; cat >"$4") <<YAML
apiVersion: v1
kind: Config
current-context: lab
contexts: [{name: lab, context: {cluster: lab, user: $2}}]
clusters:
- name: lab
  cluster: {server: "$3", certificate-authority-data: $(base64 -w0 "$1/ca.crt")}
users:
- name: $2
  user: {client-certificate-data: $(base64 -w0 "$1/$2.crt"), client-key-data: $(base64 -w0 "$1/$2.key")}
YAML
}
