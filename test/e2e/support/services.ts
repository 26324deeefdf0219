/** Services of the tests, on the image that is built without a registry. */
export function webService(count: number, more: object = {}): object {
  return {
    count,
    container: {
      image: "heal-demo/web:1",
      environment: { PORT: "8000" },
      ports: [{ container: 8000 }],
      stopGrace: "1s",
    },
    health: { http: "/healthz", port: 8000, interval: "1s", timeout: "1s", startGrace: "5s" },
    healing: { unhealthyAfter: "2s" },
    surplus: { after: "1s" },
    ...more,
  };
}
