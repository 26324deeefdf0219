/**
 * What is used of undici, by its names: a bundle in pieces gives what was written for CommonJS only as a whole to those
 * who load it late.
 */
export { Agent, ProxyAgent, request } from "undici";
