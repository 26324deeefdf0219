/** What to do where another machine's daemon leads, which cannot be asked from here. */
export function askThere(node: string): string {
  return `nothing was done; run the command on ${node}, or set server.advertise there so that it can be asked from here`;
}
