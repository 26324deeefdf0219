import { describe, expect, it } from "vitest";
import { readConfig } from "../../../src/adapters/compose/unscalable.ts";

/** As docker-compose 1.29 prints its `config`. */
const byOldTool = `
networks: {}
services:
  built:
    build:
      context: /srv/shop
  both:
    build:
      context: /srv/shop
    image: shop/both:1
  plain:
    image: shop/web:1
    ports:
    - 8080/tcp
    - 127.0.0.1::9090/tcp
  ranged:
    image: shop/web:1
    ports:
    - 8000-8010:80/tcp
  short:
    image: shop/web:1
    ports:
    - 8080:80/tcp
    - 127.0.0.1:9443:443/tcp
    - '[::1]:9444:443'
version: '2.4'
`;

/** As the plugin prints it. */
const byNewTool = `
name: shop
services:
  named:
    container_name: shop-db
    build:
      context: /srv/shop
    networks:
      default: null
  long:
    image: shop/web:1
    ports:
      - mode: ingress
        target: 80
        published: "8080"
        protocol: tcp
  open:
    image: shop/web:1
    ports:
      - mode: ingress
        target: 80
        protocol: tcp
      - mode: ingress
        target: 81
        published: 8000-8009
        protocol: tcp
networks:
  default:
    name: shop_default
`;

describe("a Compose service", () => {
  const reason = (text: string, service: string) => readConfig(text, service).unscalable;

  it("is named among all of its project", () => {
    expect(readConfig(byOldTool, "plain").services).toEqual(["built", "both", "plain", "ranged", "short"]);
    expect(readConfig(byNewTool, "open").services).toEqual(["named", "long", "open"]);
  });

  it("can be scaled when nothing in it is for one container only", () => {
    expect(reason(byOldTool, "plain")).toBeNull();
    expect(reason(byOldTool, "ranged")).toBeNull();
    expect(reason(byOldTool, "both")).toBeNull();
    expect(reason(byNewTool, "open")).toBeNull();
  });

  it("cannot be scaled when it is only built", () => {
    expect(reason(byOldTool, "built")).toMatch(/^it has `build` and no `image`/);
  });

  it("cannot be scaled with fixed host ports, and says which", () => {
    expect(reason(byOldTool, "short")).toMatch(/^host port 8080, 9443, 9444 can be had by one container per host only/);
    expect(reason(byNewTool, "long")).toMatch(/^host port 8080 can/);
  });

  it("cannot be scaled with a container_name, and says every reason there is", () => {
    expect(reason(byNewTool, "named")).toMatch(/`build` and no `image`.*; container_name shop-db can be had by one/);
  });

  it("that the project does not have cannot be scaled", () => {
    expect(reason(byNewTool, "absent")).toBe("the project has no service absent (it has named, long, open)");
    expect(reason(byNewTool, "constructor")).toMatch(/has no service constructor/);
  });

  it.each([
    ["", "lists no services"],
    ["services: []", "lists no services"],
    ["services: {a: 1, a: 2}", "unique"],
    ["services: [", "Flow sequence"],
    [
      `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nservices: {web: {image: [*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b,*b]}}`,
      "alias",
    ],
  ])("cannot be read from %j", (text, message) => {
    expect(() => readConfig(text, "web")).toThrow(message);
  });
});
