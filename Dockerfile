# A host in a container: docker build --tag hooksieve . && docker run --publish 8080:8080 --volume hooksieve:/data hooksieve
FROM rust:1.95-slim-bookworm AS build
# SQLite and the TLS library are built from C. Debian keeps no old versions, so none is named.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends gcc libc6-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN cargo xtask setup \
 && cargo build --release --locked --package hooksieve

FROM debian:bookworm-slim
# The roots that receivers' certificates are checked with. The user owns nothing but the data.
# hadolint ignore=DL3008
RUN apt-get update \
 && apt-get install --yes --no-install-recommends ca-certificates \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --system --user-group --uid 10001 --home-dir /data --create-home hooksieve
COPY --from=build /source/target/release/hooksieve /usr/local/bin/hooksieve
USER 10001
VOLUME /data
ENV HOOKSIEVE_LISTEN=0.0.0.0:8080 HOOKSIEVE_DATA=/data HOOKSIEVE_LOG_FORMAT=json
EXPOSE 8080
# No HEALTHCHECK: the image has no HTTP client; let the orchestrator ask /readyz. SIGTERM stops the host within 8 seconds.
ENTRYPOINT ["/usr/local/bin/hooksieve"]
CMD ["serve"]
