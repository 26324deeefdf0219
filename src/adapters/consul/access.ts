import type { ConsulConnection } from "./connection.ts";
import { fields, list } from "./decode.ts";
import { json } from "./read.ts";

/**
 * Whether the token may read a resource of that name, for versions that answer a forbidden read with an empty list and
 * nothing that says so (before 1.11). True with ACLs off, and when the agent does not know the question, as then
 * nothing speaks against the answer.
 */
export async function mayRead(
  connection: ConsulConnection,
  resource: "service" | "node" | "key",
  name: string,
): Promise<boolean> {
  const question = [{ Resource: resource, Access: "read", Segment: name }];
  const reply = await connection.request({ method: "POST", path: ["internal", "acl", "authorize"], json: question });
  if (reply.status === 403) return false;
  if (reply.status !== 200) return true;
  return list(json(reply, "permissions"), "permissions", fields).every((answer) => answer["Allow"] === true);
}
