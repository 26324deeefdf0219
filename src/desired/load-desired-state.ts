import { posix } from "node:path";
import { contentHash } from "../json/canonical.ts";
import type { Finding } from "../json/finding.ts";
import { finding } from "../json/finding.ts";
import { isObject } from "../json/merge-patch.ts";
import type { JsonDocument } from "../json/parse-document.ts";
import type { Problem } from "../model/problem.ts";
import type { DesiredState, EnvironmentValue, Service } from "../model/service.ts";
import type { Files } from "../ports/files.ts";
import { validate } from "./generated/validate.js";
import { limits } from "./limits.ts";
import { mergeLevels } from "./merge-levels.ts";
import type { DocumentFinding, MergedService } from "./merge-levels.ts";
import { locatedRedis } from "./normalise-redis.ts";
import { normaliseService } from "./normalise.ts";
import { checkPolicy } from "./policy.ts";
import { readDirectory, readFiles } from "./read-level.ts";
import type { Level } from "./read-level.ts";
import { checkService } from "./rules.ts";
import type { ServiceContext } from "./rules.ts";
import { checkTogether } from "./rules-together.ts";
import type { ServiceFile } from "./schema.ts";

/** What is loaded, for whom. `Settings` is one of these. */
export interface DesiredStateOptions extends ServiceContext {
  readonly environment: string;
  /** Directories, the later merged over the earlier. */
  readonly desiredState: readonly string[];
}

export type LoadedDesiredState =
  | { readonly kind: "valid"; readonly desired: DesiredState }
  | { readonly kind: "invalid"; readonly problems: readonly Problem[] };

/**
 * Reads the desired state of one environment: taken whole, or not at all with everything that is wrong (at most 100
 * problems, by file and line). Never rejects for what files hold, whatever bytes they are.
 */
export async function loadDesiredState(files: Files, options: DesiredStateOptions): Promise<LoadedDesiredState> {
  const allowance = { bytes: limits.totalBytesMax };
  const levels: Level[] = [];
  for (const directory of options.desiredState) levels.push(await readDirectory(files, directory, allowance));
  return assemble(levels, options);
}

/** The same for single files that a person names, as if they were the whole of one directory. */
export async function loadDesiredStateFiles(
  files: Files,
  paths: readonly string[],
  options: DesiredStateOptions,
): Promise<LoadedDesiredState> {
  return assemble([await readFiles(files, paths, { bytes: limits.totalBytesMax })], options);
}

async function assemble(levels: readonly Level[], options: DesiredStateOptions): Promise<LoadedDesiredState> {
  const unreadable = levels.flatMap(({ problems }) => problems);
  const shapes = await findingsOfShape(levels.flatMap(({ documents }) => documents));
  const { services, findings } = mergeLevels(levels.map(({ documents }) => documents));
  const inFiles = [...shapes, ...findings];
  // Services that are only half there would be blamed for what another file says.
  if (unreadable.length > 0 || inFiles.length > 0) return invalid(unreadable, inFiles, [], services);

  const merged = Object.fromEntries([...services].map(([name, { value }]) => [name, value]));
  const content: unknown = { services: merged };
  if (!validate(content)) return invalid([], [], await explained(validate.errors), services);
  const normalised = Object.entries(content.services).map(([name, file]) => normaliseService(name, file));
  const broken = [...rulesOf(content.services, options), ...breachesOf(normalised, options)];
  if (broken.length > 0) return invalid([], [], broken, services);
  return { kind: "valid", desired: desiredState(normalised, services, options) };
}

/** Everything about a file but its services, which are judged once they are merged. */
async function findingsOfShape(documents: readonly JsonDocument[]): Promise<readonly DocumentFinding[]> {
  const found: DocumentFinding[] = [];
  for (const document of documents) {
    const { value } = document;
    const shell: unknown = isObject(value) && isObject(value["services"]) ? { ...value, services: {} } : value;
    if (validate(shell)) continue;
    found.push(...(await explained(validate.errors)).map((one) => ({ ...one, document })));
  }
  return found;
}

async function explained(errors: typeof validate.errors): Promise<readonly Finding[]> {
  const { explainErrors } = await import("../json/explain-errors.ts");
  return explainErrors((errors ?? []).slice(0, limits.problemsMax));
}

function rulesOf(services: Readonly<Record<string, ServiceFile>>, options: DesiredStateOptions): readonly Finding[] {
  const alone = Object.entries(services).flatMap(([name, service]) =>
    checkService(service, options).map((found) => within(["services", name], found)),
  );
  return [...alone, ...checkTogether(services, options.hosts).map((found) => within(["services"], found))];
}

function breachesOf(services: readonly Service[], { policy }: DesiredStateOptions): readonly Finding[] {
  return services.flatMap((service) =>
    checkPolicy(service, policy).map(({ path, message, allow }) =>
      finding(["services", service.name, ...path], message, `it gone, or "${allow}" in policy.allow of heal.json`),
    ),
  );
}

function within(path: readonly string[], found: Finding): Finding {
  return { ...found, path: [...path, ...found.path] };
}

async function invalid(
  unreadable: readonly Problem[],
  inFiles: readonly DocumentFinding[],
  inServices: readonly Finding[],
  services: ReadonlyMap<string, MergedService>,
): Promise<LoadedDesiredState> {
  const { placeProblems } = await import("./place-problems.ts");
  return { kind: "invalid", problems: placeProblems(unreadable, inFiles, inServices, services) };
}

function desiredState(
  normalised: readonly Service[],
  merged: ReadonlyMap<string, MergedService>,
  { environment, baseDirectory }: DesiredStateOptions,
): DesiredState {
  const hashes = Object.fromEntries(normalised.map((service) => [service.name, hashOf(service)]));
  const hash = contentHash({ environment, hashes });
  const services = Object.fromEntries(normalised.map((service) => [service.name, located(service, baseDirectory)]));
  return { environment, services, sources: sourcesOf(merged), hash };
}

/** The hash of the spec stands for what it was taken over, which is most of a service. */
function hashOf(service: Service): string {
  return contentHash(service.specHash === null ? service : { ...service, container: null, health: null, consul: null });
}

/** Makes the paths of files absolute, once the hashes have been taken. */
function located(service: Service, baseDirectory: string): Service {
  const redis = service.redis === null ? null : locatedRedis(service.redis, baseDirectory);
  if (service.container === null) return { ...service, redis };
  const environment = Object.entries(service.container.environment).map(
    ([name, value]): readonly [string, EnvironmentValue] =>
      value.kind === "file" ? [name, { kind: "file", path: posix.resolve(baseDirectory, value.path) }] : [name, value],
  );
  return { ...service, redis, container: { ...service.container, environment: Object.fromEntries(environment) } };
}

/** A service comes from the first file that describes it, a field from the last that sets it. */
function sourcesOf(merged: ReadonlyMap<string, MergedService>): Readonly<Record<string, string>> {
  const sources: Record<string, string> = {};
  for (const [name, { value, chain }] of merged) {
    sources[`services.${name}`] = chain[0]?.file ?? "";
    for (const field of Object.keys(isObject(value) ? value : {})) {
      const source = chain.length === 1 ? chain[0] : chain.findLast((document) => setsField(document, name, field));
      sources[`services.${name}.${field}`] = source?.file ?? "";
    }
  }
  return sources;
}

function setsField(document: JsonDocument, name: string, field: string): boolean {
  let value: unknown = document.value;
  for (const key of ["services", name]) value = isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
  return isObject(value) && Object.hasOwn(value, field);
}
