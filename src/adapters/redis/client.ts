/** What is used of ioredis, by its name: see `../webhook/http-client.ts` for why it is not loaded late by itself. */
export { Redis } from "ioredis";
