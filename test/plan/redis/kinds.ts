import { decideRoles } from "../../../src/plan/redis/decide.ts";

/** Kinds of the actions that are decided on over a group, in their order. */
export const kinds = (group: Parameters<typeof decideRoles>[0]): readonly string[] =>
  decideRoles(group).actions.map(({ kind }) => kind);
