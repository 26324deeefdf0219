import { createServer } from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import type { SMTPServerOptions } from "smtp-server";
import { afterEach, describe, expect, it } from "vitest";
import type { MailOptions } from "../../../src/adapters/mail/mail.ts";
import { mailNotifier } from "../../../src/adapters/mail/mail.ts";
import { secret } from "../../../src/model/secret.ts";
import type { Delivery, Message } from "../../../src/ports/notifier.ts";
import { aHostileMessage, aMessage } from "../webhook/messages.ts";
import { makeCertificate } from "./certificate.ts";
import type { MailServer } from "./mail-server.ts";
import { startMailServer } from "./mail-server.ts";

const here = makeCertificate(["localhost", "127.0.0.1"]);
const elsewhere = makeCertificate(["mail.elsewhere.example"]);
const trusting = { ca: here.cert, cert: null, key: null, serverName: null, verify: true };

const PASSWORD = "s3cr3t-p4ssw0rd";
const accepting: SMTPServerOptions = {
  onAuth({ username, password = "" }, _session, done) {
    if (username === "heal" && password === PASSWORD) return done(null, { user: "heal" });
    // Some servers repeat what they were given.
    const repeated = `${String(password)} or ${Buffer.from(String(password)).toString("base64")}`;
    done(Object.assign(new Error(`535 5.7.8 no such user with ${repeated}`), { responseCode: 535 }));
  },
};

let server: MailServer | null = null;
afterEach(() => server?.close());

function options(port: number, changes: Partial<MailOptions> = {}): MailOptions {
  return {
    name: "ops-mail",
    host: "127.0.0.1",
    port,
    encryption: "opportunistic",
    user: null,
    password: null,
    tls: null,
    from: "heal <heal@shop.example>",
    to: ["Ops Team <ops@shop.example>", "night@shop.example"],
    ...changes,
  };
}

async function sends(
  changes: Partial<MailOptions> = {},
  message: Message = aMessage(),
  deadlineMs = 5_000,
): Promise<Delivery> {
  const notifier = mailNotifier(options(server?.port ?? 1, changes));
  const delivery = await notifier.send(message, AbortSignal.timeout(deadlineMs));
  notifier.close();
  return delivery;
}

const letter = (index = 0) => {
  const one = server?.letters[index];
  if (one === undefined) throw new Error("no such letter");
  return one;
};
const headerOf = (name: string, index = 0) => letter(index).mail.headers.find(({ key }) => key === name)?.value;

describe("a mail", () => {
  it("reaches all recipients as text and HTML, with a subject that says it all", async () => {
    server = await startMailServer();
    expect(await sends()).toEqual({ kind: "taken" });
    const { from, to, mail } = letter();
    expect([from, to]).toEqual(["heal@shop.example", ["ops@shop.example", "night@shop.example"]]);
    expect(mail.subject).toBe("[heal live] WARNING web: 1 more than asked for (4 of 3)");
    expect(mail.from).toEqual({ name: "heal", address: "heal@shop.example" });
    expect(mail.text).toContain("web runs 4 instances, 1 more than the 3 asked for, since 03:11 UTC (5m).");
    expect(mail.html).toContain("<code");
  });

  it("reads well at three in the morning, as text and as HTML", async () => {
    server = await startMailServer();
    await sends();
    await expect(letter().mail.text).toMatchFileSnapshot("surplus.txt");
    await expect(letter().mail.html).toMatchFileSnapshot("surplus.html.snap");
  });

  it("hangs together with the others of its key, and is the same mail when it is tried again", async () => {
    server = await startMailServer();
    await sends();
    await sends();
    await sends(
      {},
      aMessage({ id: "live/surplus/web@1700017860000#2", state: "resolved", title: "[heal live] RESOLVED web: …" }),
    );
    await sends({}, aMessage({ id: "live/surplus/api@1700017860000#1", key: "live/surplus/api" }));
    const ids = [0, 1, 2, 3].map((index) => letter(index).mail.messageId);
    const threads = [0, 1, 2, 3].map((index) => letter(index).mail.references);
    expect(ids[0]).toBe(ids[1]);
    expect(new Set(ids).size).toBe(3);
    expect(threads[0]).toMatch(/^<heal\.[0-9a-f]{32}@shop\.example>$/);
    expect(threads[1]).toBe(threads[0]);
    expect(threads[2]).toBe(threads[0]);
    expect(threads[3]).not.toBe(threads[0]);
    expect(letter(2).mail.inReplyTo).toBe(threads[0]);
  });

  it("asks programs not to answer it, and says by header what it is about", async () => {
    server = await startMailServer();
    await sends({}, aMessage({ severity: "critical" }));
    expect(headerOf("auto-submitted")).toBe("auto-generated");
    expect(headerOf("x-auto-response-suppress")).toBe("All");
    expect(headerOf("x-heal-key")).toBe("live/surplus/web");
    expect(headerOf("x-heal-state")).toBe("firing");
    expect(headerOf("importance")?.toLowerCase()).toBe("high");
  });

  it("keeps its recipients and headers, whatever names and outputs say", async () => {
    server = await startMailServer();
    const orders = "web\r\nBcc: all@victim.example\r\nTo: all@victim.example\r\n\r\nhello";
    const hostile = aHostileMessage();
    await sends(
      {},
      {
        ...hostile,
        title: orders,
        key: orders,
        id: orders,
        environment: orders,
        body: [
          { heading: orders, lines: [orders, "<script>alert(1)</script>", "\r\n.\r\nRCPT TO:<x@victim.example>"] },
        ],
      },
    );
    const { to, mail, raw } = letter();
    expect(server.letters).toHaveLength(1);
    expect(to).toEqual(["ops@shop.example", "night@shop.example"]);
    expect(mail.bcc ?? []).toEqual([]);
    expect(mail.to?.map(({ address }) => address)).toEqual(["ops@shop.example", "night@shop.example"]);
    const [head = ""] = raw.split("\r\n\r\n");
    expect(head).not.toMatch(/^(?:bcc|to): all@/im);
    expect(mail.html).not.toContain("<script>");
    expect(mail.html).toContain("&lt;script&gt;");
  });

  it("arrives whole in any alphabet", async () => {
    server = await startMailServer();
    await sends(
      {},
      aMessage({ title: "[heal live] CRITICAL 网站: 缺少 2 🚨", body: [{ heading: "", lines: ["网站 überall 🚨"] }] }),
    );
    expect(letter().mail.subject).toBe("[heal live] CRITICAL 网站: 缺少 2 🚨");
    expect(letter().mail.text).toContain("网站 überall 🚨");
  });
});

describe("the connection to the mail server", () => {
  it("is encrypted where that is offered, whoever signed the certificate", async () => {
    server = await startMailServer(elsewhere);
    expect(await sends()).toEqual({ kind: "taken" });
    expect(letter().secure).toBe(true);
  });

  it("does without encryption where none is offered, unless it is required", async () => {
    server = await startMailServer();
    expect(await sends()).toEqual({ kind: "taken" });
    expect(letter().secure).toBe(false);
    expect(await sends({ encryption: "required" })).toMatchObject({
      kind: "failed",
      reason: expect.stringContaining("encryption"),
    });
    expect(server.letters).toHaveLength(1);
  });

  it.each([
    ["STARTTLS", { encryption: "required" as const }, {}],
    ["TLS from the first byte", { encryption: "implicit" as const }, { secure: true }],
  ])("logs in over %s", async (_what, changes, serverChanges) => {
    server = await startMailServer({ ...here, ...serverChanges, ...accepting });
    expect(await sends({ ...changes, tls: trusting, user: "heal", password: secret(PASSWORD) })).toEqual({
      kind: "taken",
    });
    expect(letter()).toMatchObject({ secure: true, user: "heal" });
  });

  it.each([
    ["is signed by nobody it trusts", here, null],
    ["is another server's", elsewhere, { ...trusting, ca: elsewhere.cert }],
    ["has run out", makeCertificate(["127.0.0.1"], { from: -9, to: -2 }), trusting],
  ])("is given up when encryption is required and the certificate %s", async (_what, certificate, tls) => {
    server = await startMailServer({ ...certificate, ...accepting });
    const delivery = await sends({ encryption: "required", tls, user: "heal", password: secret(PASSWORD) });
    expect(delivery).toMatchObject({ kind: "failed", reason: expect.stringMatching(/no trustworthy encryption/) });
    expect(server.letters).toEqual([]);
  });

  it("never carries a password in the clear to another machine", async () => {
    server = await startMailServer({ ...accepting, allowInsecureAuth: true });
    const { transportOptions } = await import("../../../src/adapters/mail/transport.ts");
    const some = options(25, { user: "heal", password: secret(PASSWORD) });
    expect(transportOptions({ ...some, host: "mail.shop.example" })).toMatchObject({
      requireTLS: true,
      tls: { rejectUnauthorized: true },
    });
    expect(transportOptions(some)).toMatchObject({ requireTLS: false });
  });
});

describe("what a mail server refuses", () => {
  it("is a wrong password, for good, and not shown in the reason although the server repeats it", async () => {
    server = await startMailServer({ ...here, ...accepting });
    const delivery = await sends({ encryption: "required", tls: trusting, user: "other", password: secret(PASSWORD) });
    expect(delivery).toMatchObject({
      kind: "failed",
      permanent: true,
      reason: expect.stringContaining("does not accept user name and password"),
    });
    expect(JSON.stringify(delivery)).not.toContain(PASSWORD);
    expect(JSON.stringify(delivery)).not.toContain(Buffer.from(PASSWORD).toString("base64"));
  });

  const refusing = (codes: Readonly<Record<string, number>>) => ({
    onRcptTo(address: { address: string }, _session: unknown, done: (error?: Error | null) => void) {
      const code = codes[address.address];
      done(
        code === undefined ? null : Object.assign(new Error(`${address.address}: not here`), { responseCode: code }),
      );
    },
  });

  it.each([
    [550, true],
    [451, false],
  ])("is every recipient (%d)", async (code, permanent) => {
    server = await startMailServer(refusing({ "ops@shop.example": code, "night@shop.example": code }));
    expect(await sends()).toMatchObject({ kind: "failed", permanent, reason: expect.stringContaining("refuses") });
  });

  it("is one of several for good: the mail counts as taken, with a note", async () => {
    server = await startMailServer(refusing({ "night@shop.example": 550 }));
    expect(await sends()).toMatchObject({
      kind: "taken",
      note: expect.stringContaining("1 of 2 recipients refused (night@shop.example)"),
    });
    expect(letter().to).toEqual(["ops@shop.example"]);
  });

  it("is one of several for the moment: only that one gets it when it is tried again", async () => {
    const codes: Record<string, number> = { "night@shop.example": 451 };
    server = await startMailServer(refusing(codes));
    const notifier = mailNotifier(options(server.port));
    expect(await notifier.send(aMessage(), AbortSignal.timeout(5_000))).toMatchObject({
      kind: "failed",
      permanent: false,
    });
    delete codes["night@shop.example"];
    expect(await notifier.send(aMessage(), AbortSignal.timeout(5_000))).toEqual({ kind: "taken" });
    expect(server.letters.map(({ to }) => to)).toEqual([["ops@shop.example"], ["night@shop.example"]]);
    notifier.close();
  });

  it("is the message itself", async () => {
    server = await startMailServer({
      size: 100,
      onMailFrom: (_address, _session, done) => done(Object.assign(new Error("too big"), { responseCode: 552 })),
    });
    expect(await sends()).toMatchObject({ kind: "failed", permanent: true });
  });
});

describe("a mail server that is not well", () => {
  let odd: Server | null = null;
  const sockets = new Set<Socket>();
  afterEach(() => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    odd?.close();
  });

  async function behaving(talk: (socket: Socket) => void): Promise<number> {
    odd = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined);
      talk(socket);
    });
    await new Promise<void>((resolve) => odd?.listen(0, "127.0.0.1", resolve));
    return (odd.address() as AddressInfo).port;
  }

  const tarpit = (socket: Socket): void => {
    socket.write("220 wait ESMTP\r\n");
    socket.on("data", () => void setTimeout(() => socket.write("250-wait\r\n"), 50));
  };

  it.each([
    ["says nothing", () => undefined],
    ["is a tarpit", tarpit],
  ] as const)("is given up in time when it %s", async (_what, talk) => {
    const port = await behaving(talk);
    const begunMs = performance.now();
    const delivery = await sends({ port }, aMessage(), 300);
    expect(delivery).toMatchObject({
      kind: "failed",
      permanent: false,
      reason: "the mail server did not finish in time",
    });
    expect(performance.now() - begunMs).toBeLessThan(2_000);
  });

  it.each([
    ["is a web server", (socket: Socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n")],
    ["hangs up", (socket: Socket) => void socket.end()],
    ["resets", (socket: Socket) => void socket.resetAndDestroy()],
    ["talks without end", (socket: Socket) => void socket.write("220-".concat("x".repeat(2_000_000)))],
    ["answers in controls", (socket: Socket) => void socket.end(`421 \u001b[31m${"x".repeat(50_000)}\r\n`)],
  ] satisfies readonly (readonly [string, (socket: Socket) => void])[])(
    "has failed, and may be tried again, when it %s",
    async (_what, talk) => {
      const port = await behaving(talk);
      const delivery = await sends({ port }, aMessage(), 3_000);
      expect(delivery).toMatchObject({ kind: "failed", permanent: false });
      // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
      expect(delivery.kind === "failed" && delivery.reason).not.toMatch(/[\u0000-\u001f]/);
      expect(delivery.kind === "failed" && delivery.reason.length).toBeLessThan(250);
    },
  );

  it("is told from one that is not there", async () => {
    expect(await sends({ port: 1 })).toMatchObject({
      kind: "failed",
      reason: expect.stringContaining("refuses connections"),
    });
    expect(await sends({ host: "nobody.invalid" })).toMatchObject({
      kind: "failed",
      reason: expect.stringContaining("name is not known"),
    });
  });
});
