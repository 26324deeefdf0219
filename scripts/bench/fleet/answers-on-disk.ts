import { closeSync, fstatSync, openSync, readFileSync, readSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Fleet, ListedJson } from "./fleet.ts";

/** Where the texts of answers come from: each is made anew when it is asked for, as from a socket. */
export interface Answers {
  health(service: string): string;
  listed(host: string): string;
}

interface Place {
  readonly at: number;
  readonly bytes: number;
}

/** Writes what Consul and Docker answer to files, so that a process that reads them holds none of it. */
export function writeAnswers(fleet: Fleet, folder: string): void {
  const file = openSync(join(folder, "answers"), "w");
  const places: { health: Record<string, Place>; listed: Record<string, Place> } = { health: {}, listed: {} };
  let at = 0;
  const write = (into: Record<string, Place>, name: string, value: unknown): void => {
    const bytes = writeSync(file, JSON.stringify(value));
    into[name] = { at, bytes };
    at += bytes;
  };
  for (const [name, value] of Object.entries(fleet.health)) write(places.health, name, value);
  for (const [name, value] of Object.entries(fleet.listed)) write(places.listed, name, value);
  closeSync(file);
  writeFileSync(join(folder, "places.json"), JSON.stringify(places));
}

export function readAnswers(
  folder: string,
): Answers & { readonly services: readonly string[]; readonly hosts: readonly string[]; readonly bytes: number } {
  const file = openSync(join(folder, "answers"), "r");
  const places = JSON.parse(readFileSync(join(folder, "places.json"), "utf8")) as {
    readonly health: Readonly<Record<string, Place>>;
    readonly listed: Readonly<Record<string, Place>>;
  };
  const read = (place: Place | undefined): string => {
    if (place === undefined) return "[]";
    const bytes = Buffer.allocUnsafe(place.bytes);
    readSync(file, bytes, 0, place.bytes, place.at);
    return bytes.toString("utf8");
  };
  return {
    health: (service) => read(places.health[service]),
    listed: (host) => read(places.listed[host]),
    services: Object.keys(places.health),
    hosts: Object.keys(places.listed),
    bytes: fstatSync(file).size,
  };
}

/** The same from memory, for fleets small enough. */
export function keepAnswers(fleet: Fleet): Answers {
  const texts = (by: Readonly<Record<string, unknown>>) =>
    new Map(Object.entries(by).map(([name, value]) => [name, JSON.stringify(value)]));
  const health = texts(fleet.health);
  const listed = texts(fleet.listed as Readonly<Record<string, readonly ListedJson[]>>);
  return { health: (service) => health.get(service) ?? "[]", listed: (host) => listed.get(host) ?? "[]" };
}
