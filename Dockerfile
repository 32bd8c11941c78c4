# Yellow, without a project: `docker build -t registry.example.com/yellow .`; a project is put into /srv/project by an image on top of it
# (docs/howto/kubernetes.md). BUILDER and BASE are Debian 12, of a registry or made by yourself.
ARG BUILDER=debian:12
ARG BASE=debian:12-slim

FROM ${BUILDER} AS build
# A builder that has what the build needs needs no network.
RUN command -v make >/dev/null || (apt-get update && apt-get install -y --no-install-recommends make)
COPY . /src
WORKDIR /src
RUN make package

FROM ${BASE}
COPY --from=build /src/build/release/yellow_*.deb /tmp/
# A base that has what the package needs needs no network.
RUN install() { apt-get install -y --no-install-recommends ca-certificates /tmp/yellow_*.deb; }; \
    (install || (apt-get update && install)) && rm -rf /tmp/* /var/lib/apt/lists/* /var/cache/apt/*
USER 65532:65532
WORKDIR /srv/project
ENTRYPOINT ["yellow"]
