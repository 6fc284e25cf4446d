// Imports inside a function: of a builtin, of a package, of a file beside the program.
import { program } from "../program.ts";

const hashed = async (text: string) => {
  const { createHash } = await import("node:crypto");
  return createHash("md5").update(text).digest("hex");
};
const parsed = async (text: string) => {
  const yaml = await import("yaml");
  return yaml.parse(text);
};
const turned = async (radius: number) => {
  const [{ areaOf, Circle }, { sides }] = await Promise.all([
    import("./parts/geometry.ts"),
    import("./parts/constants.ts"),
  ]);
  return [areaOf(radius), new Circle(sides.square).radius];
};

program("dynamic-import", ["f5f43dd44a652bab4be8197039a120b6", { birds: [1, 2] }, [12, 4]], async (client) =>
  client.gather([
    client.submit(hashed, ["flock"]),
    client.submit(parsed, ["birds: [1, 2]"]),
    client.submit(turned, [2]),
  ]),
);
