# The daemon as an image: `docker build -t heal .`, then for instance
#
#   docker run -d --name heal --init --network host --restart unless-stopped \
#     --group-add "$(stat -c %g /var/run/docker.sock)" -v /var/run/docker.sock:/var/run/docker.sock \
#     -v /etc/heal:/etc/heal:ro heal
#
# `--init`: heal starts `ssh` and `docker compose`, and a process 1 has to collect what they leave behind.
# `--group-add`: it runs as user 1000, to whom the Docker socket must be opened. With engines over TLS it needs no socket.
# Scaling Compose projects takes a base with the docker CLI and its compose plugin: `--build-arg BASE=…`.
#
# Without a registry: `npm run build`, then `docker build --target prebuilt --build-arg BASE=<any image with node>`.
ARG BASE=node:24-bookworm-slim

FROM ${BASE} AS base
ENV NODE_ENV=production
# The C library gives back what was needed for a moment only, as a daemon mostly rests.
ENV MALLOC_ARENA_MAX=2 MALLOC_TRIM_THRESHOLD_=131072 MALLOC_MMAP_THRESHOLD_=131072
WORKDIR /etc/heal
USER 1000:1000
# Alive, not ready: a restart helps a process that hangs, and none that waits for Consul.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:7411/healthz').then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT ["node", "/opt/heal/dist/bin.js"]
CMD ["run"]

# Everything that is needed to run is in dist/, dependencies included.
FROM base AS prebuilt
COPY package.json LICENSE /opt/heal/
COPY dist /opt/heal/dist

FROM node:24-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json ./
COPY scripts scripts
COPY src src
RUN npm run build

FROM base
COPY --from=build /build/package.json /opt/heal/
COPY LICENSE /opt/heal/
COPY --from=build /build/dist /opt/heal/dist
