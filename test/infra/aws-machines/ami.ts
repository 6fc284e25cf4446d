// The machine image that instances boot: a whole Debian with systemd, cloud-init, Docker and the AWS CLI, as a container's image.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DockerEngine } from "../docker-engine.ts";

export const ami = "taskflock-test:ami";

/** Where the machines find AWS and ECR, by their network's gateway. */
export interface Surroundings {
  readonly endpoint: string;
  /** ECR's host. Behind it is plain HTTP here. */
  readonly registry: string;
}

const packages = "cloud-init curl dbus docker.io iproute2 iptables procps awscli systemd systemd-sysv";

const cloud = `datasource_list: [Ec2]
datasource: {Ec2: {timeout: 5, max_wait: 60}}
network: {config: disabled}
locale: false
`;

/** A container has no DMI, by which cloud-init tells that it is on EC2. */
const onEc2 = "s/^def identify_aws(data):/&\\n    return CloudNames.AWS/";
const datasource = "/usr/lib/python3/dist-packages/cloudinit/sources/DataSourceEc2.py";

/** Debian's AWS CLI is older than AWS_ENDPOINT_URL. */
const aws = '#!/bin/sh\nexec /usr/bin/aws --endpoint-url "$AWS_ENDPOINT_URL" "$@"\n';

/** Docker takes --gpus only where this is. There are no GPUs here, so it has nothing to do. */
const gpuHook = "#!/bin/sh\nexit 0\n";

export async function buildAmi(engine: DockerEngine, { endpoint, registry }: Surroundings): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "taskflock-ami-"));
  const dockerfile = `FROM node:20-bookworm-slim
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends ${packages} \\
 && apt-get clean && rm -rf /usr/local/bin/node
RUN sed -i '${onEc2}' ${datasource}
COPY cloud.cfg /etc/cloud/cloud.cfg.d/99_test.cfg
COPY ds-identify.cfg /etc/cloud/ds-identify.cfg
COPY daemon.json /etc/docker/daemon.json
COPY --chmod=755 aws /usr/local/bin/aws
COPY --chmod=755 gpu-hook /usr/bin/nvidia-container-runtime-hook
COPY aws.conf /etc/systemd/system.conf.d/aws.conf
STOPSIGNAL SIGRTMIN+3
ENV container=docker
VOLUME /var/lib/docker
ENTRYPOINT ["/sbin/init"]
`;
  const files = {
    Dockerfile: dockerfile,
    "cloud.cfg": cloud,
    "ds-identify.cfg": "policy: enabled\ndatasource: Ec2\n",
    "daemon.json": JSON.stringify({ "insecure-registries": [registry] }),
    aws,
    "gpu-hook": gpuHook,
    "aws.conf": `[Manager]\nDefaultEnvironment=AWS_ENDPOINT_URL=${endpoint}\n`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  try {
    await engine.must(["build", "--quiet", "--network", "host", "--tag", ami, folder]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
