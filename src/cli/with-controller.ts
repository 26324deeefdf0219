import type { Controller } from "../ports/controller.ts";
import type { Settings } from "../settings/settings.ts";
import type { Context } from "./command.ts";
import { Interrupted } from "./failures.ts";
import { withProgress } from "./progress.ts";
import { tellWarnings } from "./tell-warnings.ts";

/**
 * Lets `use` work with the daemon, or with a look of our own where there is none. However it ends, also by Ctrl-C, the
 * controller is closed, which gives a lock that was taken back.
 */
export async function withController<T>(
  context: Context,
  doing: string,
  use: (controller: Controller, settings: Settings, asked: Asked) => Promise<T>,
): Promise<T> {
  const { settings, warnings } = await context.wiring.loadSettings(context.choice);
  tellWarnings(context, warnings);
  let opened: Controller | null = null;
  const work = async (): Promise<T> => {
    opened = await context.wiring.connect(settings);
    if (opened !== null) return use(opened, settings, "daemon");
    opened = await context.wiring.openOneShot(settings);
    return use(opened, settings, "self");
  };
  const interruption = interrupted(context);
  try {
    return await withProgress(context, doing, Promise.race([work(), interruption.promise]));
  } finally {
    interruption.cancel();
    await (opened as Controller | null)?.close();
  }
}

/** Who answers: a running daemon, or a look of this process. */
export type Asked = "daemon" | "self";

function interrupted({ terminal }: Context): { readonly promise: Promise<never>; readonly cancel: () => void } {
  let cancel = (): void => undefined;
  const promise = new Promise<never>((_, reject) => {
    cancel = terminal.onInterrupt((signal) => reject(new Interrupted(signal)));
  });
  return { promise, cancel };
}
