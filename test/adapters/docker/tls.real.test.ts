import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createServer } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { realClock } from "../../../src/adapters/clock.ts";
import { openEngine } from "../../../src/adapters/docker/open-engine.ts";
import type { EngineError } from "../../../src/ports/engine.ts";
import { everything } from "./answers.ts";
import { realDockerHost } from "./real.ts";

const directory = mkdtempSync(join(tmpdir(), "heal-tls-"));
const openssl = (...words: string[]): Buffer => execFileSync("openssl", words, { cwd: directory, stdio: "pipe" });

/** A certificate authority's certificate, as `<name>/ca.pem` with `<name>/ca-key.pem`. */
function makeAuthority(name: string): void {
  execFileSync("mkdir", ["-p", join(directory, name)]);
  openssl(
    "req",
    "-x509",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-days",
    "2",
    "-subj",
    `/CN=${name}`,
    "-keyout",
    `${name}/ca-key.pem`,
    "-out",
    `${name}/ca.pem`,
  );
}

function makeCertificate(authority: string, name: string, extension: string): void {
  openssl(
    "req",
    "-newkey",
    "rsa:2048",
    "-nodes",
    "-subj",
    `/CN=${name}`,
    "-keyout",
    `${authority}/${name}key.pem`,
    "-out",
    "request.pem",
  );
  writeFileSync(join(directory, "extension"), extension);
  const signing = ["-CA", `${authority}/ca.pem`, "-CAkey", `${authority}/ca-key.pem`, "-CAcreateserial"];
  openssl(
    "x509",
    "-req",
    "-in",
    "request.pem",
    ...signing,
    "-days",
    "2",
    "-extfile",
    "extension",
    "-out",
    `${authority}/${name}cert.pem`,
  );
}

/** The real engine behind mutual TLS, as dockerd with `--tlsverify` would have it. */
const server = createServer((near) => {
  const far = connect({ path: realDockerHost().replace("unix://", "") });
  near.pipe(far).pipe(near);
  near.on("error", () => far.destroy());
  far.on("error", () => near.destroy());
});
let port = 0;

beforeAll(async () => {
  for (const authority of ["good", "other"]) {
    makeAuthority(authority);
    makeCertificate(authority, "", "extendedKeyUsage=clientAuth");
  }
  makeCertificate("good", "server-", "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth");
  const file = (name: string): Buffer => readFileSync(join(directory, "good", name));
  server.setSecureContext({ ca: file("ca.pem"), cert: file("server-cert.pem"), key: file("server-key.pem") });
  Object.assign(server, { requestCert: true, rejectUnauthorized: true });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});

afterAll(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

async function listBy(host: string, authority: string): Promise<string> {
  const endpoint = { address: `tcp://${host}:${port}`, tlsDirectory: join(directory, authority) };
  const engine = openEngine("h1", endpoint, { clock: realClock() });
  try {
    return JSON.stringify(await engine.list({ ...everything, environment: "nobody" }));
  } catch (error) {
    return `${(error as EngineError).kind}: ${(error as EngineError).message}`;
  } finally {
    engine.close();
  }
}

describe("an engine behind TLS", () => {
  it("is reached with certificates of its authority", async () => {
    expect(await listBy("127.0.0.1", "good")).toBe("[]");
  });

  it("is not talked to when another authority has signed its certificate", async () => {
    expect(await listBy("127.0.0.1", "other")).toMatch(/^unreachable: .*certificate/);
  });

  it("is not talked to under a name that its certificate does not have", async () => {
    expect(await listBy("localhost", "good")).toMatch(/^unreachable: .*(altnames|does not match)/);
  });

  it("is unreachable while the certificates are missing", async () => {
    expect(await listBy("127.0.0.1", "nowhere")).toMatch(/^unreachable: .*ca\.pem/);
  });
});
