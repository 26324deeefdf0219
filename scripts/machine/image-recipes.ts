/** What the demo and test images are made of. All contain busybox with its shell, to look around with `docker exec`. */

import type { Need } from "./packages.ts";

export interface Recipe {
  /** What to install first, where it is missing. */
  readonly needs: readonly Need[];
  /** Where programs of this machine go, by name or full path. */
  readonly programs: { readonly [program: string]: string };
  /** Text files by path; one that starts with `#!` is made executable. */
  readonly files: { readonly [path: string]: string };
  /** Folders anyone may write to. */
  readonly folders: readonly string[];
  /** As in a Dockerfile: ENTRYPOINT, CMD, ENV, EXPOSE, USER, WORKDIR. */
  readonly changes: readonly string[];
}

const busyboxNeed: Need = { programs: ["busybox"], package: "busybox-static" };

const accounts = {
  "/etc/passwd": "root:x:0:0:root:/:/bin/sh\nnode:x:1000:1000:node:/tmp:/bin/sh\n",
  "/etc/group": "root:x:0:\nnode:x:1000:\n",
  "/etc/nsswitch.conf": "hosts: files dns\n",
};

/**
 * A web server with a page at `/` and a health check at `/healthz`.
 * Environment: PORT (8080), SLOT (shown on the page), START_DELAY (seconds until healthy, 0).
 * `docker exec C unhealthy` makes /healthz answer 404, `docker exec C healthy` 200 again; a HUP counts as a reload.
 */
export function webRecipe(version: string): Recipe {
  return {
    needs: [busyboxNeed],
    programs: { busybox: "/bin/busybox" },
    folders: ["/tmp"],
    files: {
      ...accounts,
      "/bin/healthy": "#!/bin/sh\necho ok > /tmp/www/healthz\n",
      "/bin/unhealthy": "#!/bin/sh\nrm -f /tmp/www/healthz\n",
      "/bin/serve": `#!/bin/sh
# A shell as pid 1 has to be told what SIGTERM means: without the trap every stop would take the whole grace time.
trap 'kill $children 2>/dev/null; exit 0' TERM INT
trap 'reloads=$((reloads + 1)); page' HUP
page() {
  echo "heal-demo web:${version} slot=\${SLOT:--} host=$(hostname) reloads=$reloads" > /tmp/www/index.html.new
  mv /tmp/www/index.html.new /tmp/www/index.html
}
reloads=0
mkdir -p /tmp/www && page
httpd -f -p "\${PORT:-8080}" -h /tmp/www & children=$!
if [ "\${START_DELAY:-0}" = 0 ]; then healthy; else (sleep "$START_DELAY"; healthy) & children="$children $!"; fi
while kill -0 "\${children%% *}" 2>/dev/null; do wait "\${children%% *}"; done
exit 1
`,
    },
    changes: ['ENTRYPOINT ["/bin/serve"]', "EXPOSE 8080"],
  };
}

/**
 * Redis with its client, used like the official image: words given replace the command, options alone are added to it.
 * Environment: PORT (6379). Reachable without a password from outside its container, as the official image is.
 */
export function redisRecipe(): Recipe {
  return {
    needs: [
      busyboxNeed,
      { programs: ["redis-server"], package: "redis-server" },
      { programs: ["redis-cli"], package: "redis-tools" },
    ],
    programs: { busybox: "/bin/busybox", "redis-server": "/bin/redis-server", "redis-cli": "/bin/redis-cli" },
    folders: ["/tmp", "/data"],
    files: {
      ...accounts,
      "/bin/entry": `#!/bin/sh
case "\${1:-}" in
  "" | -*) ;;
  redis-server) shift ;;
  *) exec "$@" ;;
esac
# A configuration file has to come first, and what the caller says last, so that it wins over what is said here.
configuration=
case "\${1:-}" in "" | -*) ;; *) configuration=$1 && shift ;; esac
exec redis-server $configuration --protected-mode no \${PORT:+--port "$PORT"} "$@"
`,
    },
    changes: ['ENTRYPOINT ["/bin/entry"]', "WORKDIR /data", "EXPOSE 6379"],
  };
}

/** Node, as this machine has it: the base for images of Node programs, in the place of the official image. */
export function nodeRecipe(): Recipe {
  return {
    needs: [busyboxNeed],
    programs: { busybox: "/bin/busybox", [process.execPath]: "/usr/local/bin/node" },
    folders: ["/tmp", "/app"],
    files: accounts,
    changes: ["ENV PATH=/usr/local/bin:/usr/bin:/bin", "WORKDIR /app", 'CMD ["node"]'],
  };
}
