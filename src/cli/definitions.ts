import type { CommandDefinition, OptionDefinition } from "./command.ts";
import { alert } from "./commands/alert.ts";
import { check } from "./commands/check.ts";
import { completion } from "./commands/completion.ts";
import { confirm } from "./commands/confirm.ts";
import { heal } from "./commands/heal.ts";
import { init } from "./commands/init.ts";
import { pause } from "./commands/pause.ts";
import { redis } from "./commands/redis.ts";
import { resume } from "./commands/resume.ts";
import { run } from "./commands/run.ts";
import { silence } from "./commands/silence.ts";
import { status } from "./commands/status.ts";
import { validate } from "./commands/validate.ts";
import { watch } from "./commands/watch.ts";
import { why } from "./commands/why.ts";

/** Every command, in the order in which help lists them. */
export const definitions: readonly CommandDefinition[] = [
  heal,
  status,
  why,
  check,
  watch,
  run,
  pause,
  resume,
  redis,
  alert,
  silence,
  validate,
  confirm,
  init,
  completion,
];

/** What every command takes. */
export const everywhere: readonly OptionDefinition[] = [
  { form: "--config <file>", description: "settings file (HEAL_CONFIG, else ./heal.json)" },
  { form: "--env <name>", description: "environment (HEAL_ENV, else the file's default)" },
  { form: "--json", description: "print a versioned report as JSON, errors too" },
];
