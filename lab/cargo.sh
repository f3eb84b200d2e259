# Brings Rust tools that come as source into $cache/bin.
# Sourced by `lab`.

cargo_deny=0.20.2

# fetch_cargo_deny: 2.6 CPU minutes at opt-level 1, several times that as it comes; it runs for seconds, so 1 does.
fetch_cargo_deny() {
  local new=$cache/cargo-new
  if [ -x "$cache/bin/cargo-deny" ] && [ "$("$cache/bin/cargo-deny" --version)" = "cargo-deny $cargo_deny" ]; then return; fi
  say "building cargo-deny $cargo_deny (3 CPU minutes)"
  mkdir -p "$cache/bin"
  (
    cd "$here/.." # for rust-toolchain.toml
    export CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16
    CARGO_TARGET_DIR=$new/target cargo install --quiet --locked --root "$new" "cargo-deny@$cargo_deny"
  ) >&2
  mv "$new/bin/cargo-deny" "$cache/bin/cargo-deny"
  rm -rf "$new"
}
