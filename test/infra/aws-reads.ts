// What `terraform plan` reads of AWS, answered on loopback: who asks, the default VPC, AMIs, parameters, a random password.
// It changes nothing and refuses whatever else is asked, so that a plan that needs more fails with the name of it.
import { createServer, type IncomingMessage, type Server } from "node:http";

export interface AwsReads extends AsyncDisposable {
  readonly url: string;
  /** Actions in order, e.g. "DescribeImages". */
  readonly asked: readonly string[];
}

/** What a random password is here; it must be found nowhere else. */
export const secretToken: string = "ThisIsTheTokenOfTheClusterAndItMustStaySecret";

const vpc = "vpc-0123456789abcdef0";
const zones: Record<string, string> = { "subnet-0a0000000000000a0": "a", "subnet-0b0000000000000b0": "b" };

function subnet(id: string, zone: string): string {
  return `<item><subnetId>${id}</subnetId><vpcId>${vpc}</vpcId><state>available</state><cidrBlock>10.0.${zone === "a" ? 1 : 2}.0/24</cidrBlock><availabilityZone>eu-central-1${zone}</availabilityZone><defaultForAz>true</defaultForAz></item>`;
}

const ec2: Record<string, (form: URLSearchParams) => string> = {
  DescribeVpcs: () =>
    `<vpcSet><item><vpcId>${vpc}</vpcId><state>available</state><cidrBlock>10.0.0.0/16</cidrBlock><isDefault>true</isDefault></item></vpcSet>`,
  DescribeVpcAttribute: (form) => {
    const name = form.get("Attribute") ?? "";
    return `<vpcId>${vpc}</vpcId><${name}><value>true</value></${name}>`;
  },
  DescribeRouteTables: () =>
    `<routeTableSet><item><routeTableId>rtb-0123456789abcdef0</routeTableId><vpcId>${vpc}</vpcId></item></routeTableSet>`,
  DescribeSubnets: (form) => {
    const wanted = form.get("SubnetId.1");
    const ids = Object.entries(zones).filter(([id]) => wanted === null || id === wanted);
    return `<subnetSet>${ids.map(([id, zone]) => subnet(id, zone)).join("")}</subnetSet>`;
  },
  DescribeImages: (form) =>
    `<imagesSet><item><imageId>${form.get("Filter.1.Value.1")}</imageId><imageState>available</imageState><name>linux</name><creationDate>2026-01-01T00:00:00.000Z</creationDate><rootDeviceName>/dev/xvda</rootDeviceName><rootDeviceType>ebs</rootDeviceType><architecture>x86_64</architecture></item></imagesSet>`,
};

function answerQuery(form: URLSearchParams): string | undefined {
  const action = form.get("Action") ?? "";
  if (action === "GetCallerIdentity") {
    return "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::000000000000:user/ada</Arn><UserId>ADA</UserId><Account>000000000000</Account></GetCallerIdentityResult></GetCallerIdentityResponse>";
  }
  const body = ec2[action]?.(form);
  return body && `<${action}Response><requestId>1</requestId>${body}</${action}Response>`;
}

/** How many were asked for: no two are the same. */
let passwords = 0;

function answerJson(action: string, request: { Name?: string }): string | undefined {
  if (action === "GetRandomPassword") return JSON.stringify({ RandomPassword: `${secretToken}${++passwords}` });
  if (action !== "GetParameter") return undefined;
  const { Name = "" } = request;
  return JSON.stringify({ Parameter: { Name, Type: "String", Value: "ami-0123456789abcdef0", Version: 1, ARN: Name } });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += chunk;
  return body;
}

async function answer(request: IncomingMessage): Promise<[action: string, text: string | undefined]> {
  const body = await bodyOf(request);
  const target = request.headers["x-amz-target"];
  if (typeof target === "string") {
    const action = target.split(".")[1] ?? "";
    return [action, answerJson(action, JSON.parse(body))];
  }
  const form = new URLSearchParams(body);
  return [form.get("Action") ?? `${request.method} ${request.url}`, answerQuery(form)];
}

export async function startAwsReads(): Promise<AwsReads> {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    void answer(request).then(([action, text]) => {
      asked.push(action);
      if (text === undefined) response.statusCode = 400;
      response.end(
        text ?? `<Response><Errors><Error><Code>NotHere</Code><Message>${action}</Message></Error></Errors></Response>`,
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    [Symbol.asyncDispose]: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
