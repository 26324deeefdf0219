import { randomUUID } from "node:crypto";
import {
  connectConsul,
  defaultLimits,
  type ConnectionLimits,
  type ConsulConnection,
} from "../../../src/adapters/consul/connection.ts";

/** The shared agent of the test machine. */
export function realConsulUrl(): string {
  const url = process.env["HEAL_TEST_CONSUL"];
  if (url === undefined || url === "") throw new Error("HEAL_TEST_CONSUL is not set: run through the project `real`");
  return url;
}

export function connectTo(
  url: string,
  limits: Partial<ConnectionLimits> = {},
  token: string | null = null,
): ConsulConnection {
  return connectConsul({ url, token, datacenter: null, tls: null }, { ...defaultLimits, ...limits });
}

export function anEnvironment(): string {
  return `test-${randomUUID().slice(0, 8)}`;
}

/** A request by hand, for what no port offers. */
export async function put(
  connection: ConsulConnection,
  path: string,
  query: Record<string, string> = {},
  body = "",
): Promise<string> {
  const reply = await connection.request({ method: "PUT", path: path.split("/"), query, body });
  if (reply.status !== 200) throw new Error(`${path}: ${reply.status} ${reply.text}`);
  return reply.text;
}

export async function remove(
  connection: ConsulConnection,
  path: string,
  query: Record<string, string> = {},
): Promise<void> {
  const reply = await connection.request({ method: "DELETE", path: path.split("/"), query });
  if (reply.status !== 200) throw new Error(`${path}: ${reply.status} ${reply.text}`);
}
