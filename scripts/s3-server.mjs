// The server that the tests of S3 start: Ceph's radosgw.
import { howToGet, installPackages, programPath } from "./debian.mjs";

const programs = ["ceph", "ceph-mon", "ceph-osd", "ceph-authtool", "monmaptool", "radosgw", "radosgw-admin"];
const packages = ["ceph-mon", "ceph-osd", "radosgw", "ceph-common"];

/** What is missing on this machine, and how to get it; undefined when nothing is. */
export function missingS3Server() {
  const absent = programs.filter((program) => programPath(program) === undefined);
  return absent.length === 0 ? undefined : howToGet(absent.join(", "), packages);
}

/** As a step of `npm test`. */
export const installS3Server = () => installPackages(packages, missingS3Server());
