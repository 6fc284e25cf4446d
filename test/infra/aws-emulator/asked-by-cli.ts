// What `taskflock aws` asks beside Terraform: quotas, the price list, images of a repository, why a group could not grow, and lines of
// shell on machines. A test says what the answers are.
import type { Actions } from "./actions.ts";
import { AwsError, found } from "./errors.ts";

export class AskedByCli {
  /** vCPUs, by code. What is not here is 0. */
  readonly quotas: Map<string, number> = new Map();
  /** Asked for, in order. */
  readonly requested: { readonly code: string; readonly vcpus: number }[] = [];
  /** USD per hour on demand. What is not here has no price. */
  readonly prices: Map<string, number> = new Map();
  /** `repository:tag`, and `repository@digest`. */
  readonly images: Set<string> = new Set();
  /** Of all groups, why starts failed. */
  readonly failures: string[] = [];
  /** Runs a line of shell on a machine, and gives what it prints. */
  shell: (instance: string, command: string) => string = () => "";
  readonly #printed: Map<string, string> = new Map();

  readonly quotaActions: Actions = {
    GetServiceQuota: ({ input }) => ({
      Quota: { QuotaCode: input.text("QuotaCode"), Value: this.quotas.get(input.text("QuotaCode")) ?? 0 },
    }),

    RequestServiceQuotaIncrease: ({ input }) => {
      const [code, vcpus] = [input.text("QuotaCode"), Number(input.text("DesiredValue"))];
      if (this.requested.some((one) => one.code === code))
        throw new AwsError("ResourceAlreadyExistsException", "Only one open request is allowed per quota");
      this.requested.push({ code, vcpus });
      return { RequestedQuota: { QuotaCode: code, DesiredValue: vcpus, Status: "PENDING" } };
    },
  };

  readonly pricingActions: Actions = {
    GetProducts: ({ input }) => {
      const filters = new Map(input.parts("Filters").map((filter) => [filter.text("Field"), filter.text("Value")]));
      const price = this.prices.get(filters.get("instanceType") ?? "");
      const dimension = { unit: "Hrs", pricePerUnit: { USD: price?.toFixed(10) ?? "" } };
      const product = { terms: { OnDemand: { term: { priceDimensions: { rate: dimension } } } } };
      return { FormatVersion: "aws_v1", PriceList: price === undefined ? [] : [JSON.stringify(product)] };
    },
  };

  readonly ecrActions: Actions = {
    DescribeImages: ({ input }, world) => {
      const name = input.text("repositoryName");
      const [id] = input.parts("imageIds");
      const [tag, digest] = [id?.maybe("imageTag"), id?.maybe("imageDigest")];
      const known = [...this.images].some((image) => image.startsWith(`${name}:`) || image.startsWith(`${name}@`));
      if (!known && !world.repositories.has(name))
        throw new AwsError("RepositoryNotFoundException", `The repository with name '${name}' does not exist`);
      if (!this.images.has(tag === undefined ? `${name}@${digest}` : `${name}:${tag}`))
        throw new AwsError("ImageNotFoundException", "The image requested does not exist");
      return {
        imageDetails: [{ repositoryName: name, imageSizeInBytes: 3_000_000_000, imagePushedAt: new Date(0) }],
      };
    },
  };

  readonly autoScalingActions: Actions = {
    DescribeScalingActivities: ({ input }, world) => ({
      Activities: this.failures.map((StatusMessage, index) => ({
        ...{ ActivityId: String(index), AutoScalingGroupName: input.text("AutoScalingGroupName"), StatusMessage },
        ...{ StatusCode: "Failed", StartTime: world.now(), Cause: "", Description: "Launching a new EC2 instance" },
      })),
    }),
  };

  readonly ssmActions: Actions = {
    SendCommand: ({ input }, world) => {
      const [id = ""] = input.texts("InstanceIds");
      const instance = found(world.instances.get(id), "InvalidInstanceId", `${id} is not there`);
      if (instance.state !== "running") throw new AwsError("InvalidInstanceId", `${id} is ${instance.state}`);
      const [line = ""] = input.part("Parameters").texts("commands");
      const command = world.id("command");
      this.#printed.set(command, this.shell(id, line));
      return { Command: { CommandId: command, Status: "Pending", InstanceIds: [id] } };
    },

    GetCommandInvocation: ({ input }) => {
      const command = input.text("CommandId");
      const printed = found(this.#printed.get(command), "InvocationDoesNotExist", command);
      return { CommandId: command, Status: "Success", StandardOutputContent: printed, StandardErrorContent: "" };
    },
  };
}
