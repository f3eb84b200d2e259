# The same image as image/build.sh makes, for those who have a container engine:
#
#   docker build --build-arg VERSION=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1) --tag larder .
#
# Never run where it was written, since there was no engine: the tests use image/build.sh, which does the work here too.
FROM rust:1.95-bookworm AS build
WORKDIR /larder
COPY . .
# Without the variable, rustup would fetch rustfmt and clippy as rust-toolchain.toml says.
RUN RUSTUP_TOOLCHAIN=1.95.0 image/build.sh --root /image

FROM scratch
ARG VERSION
LABEL org.opencontainers.image.title="larder" \
      org.opencontainers.image.description="Backup and restore of Elasticsearch and OpenSearch" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.source="https://github.com/larder-backup/larder"
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/
COPY --from=build /image /
USER 65535
ENTRYPOINT ["/larder"]
