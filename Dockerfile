# The one binary, in an image without a shell: API, workers, voice workers and migrations are the same image with other
# arguments. docker build -t trunkline .
FROM rust:1.95-slim-bookworm AS build
WORKDIR /src
# What is checked at compile time is checked against .sqlx: no database while building.
ENV SQLX_OFFLINE=true CARGO_PROFILE_RELEASE_STRIP=symbols
# Which source this is, for /health/detailed: docker build --build-arg REVISION=$(git rev-parse --short HEAD)
ARG REVISION=
ENV TRUNKLINE_REVISION=$REVISION
COPY . .
# The caches stay on the machine that builds; the binary has to be copied out of them.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/src/target,sharing=locked \
    cargo build --locked --release -p cli --bin trunkline && \
    cp target/release/trunkline /trunkline

FROM gcr.io/distroless/cc-debian12:nonroot
COPY --from=build /trunkline /usr/local/bin/trunkline
COPY LICENSE THIRD-PARTY.md /usr/share/doc/trunkline/
# Nobody, who owns nothing. A read-only root is enough: nothing is written to disk.
USER 65532:65532
EXPOSE 8080 8081 8082
# A container's stop has to wait longer than TRUNKLINE_DRAIN_SECS.
STOPSIGNAL SIGTERM
ENTRYPOINT ["/usr/local/bin/trunkline"]
CMD ["api"]
