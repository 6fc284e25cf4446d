// A bucket of S3, or of a server that speaks its protocol, as a storage. The AWS SDK signs, finds credentials and tries again.

import { Readable } from "node:stream";
import type { S3Client } from "@aws-sdk/client-s3";
import { FlockError } from "@taskflock/protocol/words";
import { byName, checkName, checkPrefix, checkRange } from "./names.ts";
import { collected, type Opened, resumed } from "./network.ts";
import type { NetworkOptions } from "./options.ts";
import { connect, type Sdk } from "./s3-client.ts";
import { isMissing, isOutOfRange, isRefused, told } from "./s3-errors.ts";
import { putParts } from "./s3-multipart.ts";
import type { ByteRange, Storage, StorageOptions, StoredFile } from "./storage.ts";

/** Above this a file is sent in parts: a request that breaks repeats one part only, and S3 takes at most 5 GiB at once. */
const multipartBytes = 64 << 20;

export class S3Storage implements Storage {
  readonly url: string;
  readonly #sdk: Sdk;
  readonly #client: S3Client;
  readonly #bucket: string;
  /** Empty, or ends with `/`. */
  readonly #prefix: string;
  readonly #network: NetworkOptions;

  private constructor(
    place: { bucket: string; prefix: string },
    connected: { sdk: Sdk; client: S3Client },
    network: NetworkOptions,
  ) {
    this.#sdk = connected.sdk;
    this.#client = connected.client;
    this.#bucket = place.bucket;
    this.#prefix = place.prefix;
    this.#network = network;
    this.url = `s3://${place.bucket}/${place.prefix}`;
  }

  /** The address is taken as it is: keys may contain `?`, `#` and `%`. */
  static async open(address: string, options: StorageOptions, network: NetworkOptions): Promise<S3Storage> {
    const [, bucket = "", path = ""] = /^s3:\/\/([^/]+)\/*(.*)$/i.exec(address) ?? [];
    if (bucket === "") {
      const text = `${JSON.stringify(address)} names no bucket. Write s3://bucket/prefix.`;
      throw new FlockError("FLOCK_STORAGE_ADDRESS", text);
    }
    const prefix = path === "" || path.endsWith("/") ? path : `${path}/`;
    checkPrefix(prefix, `s3://${bucket}`);
    return new S3Storage({ bucket, prefix }, await connect(options.s3 ?? {}, network), network);
  }

  async read(name: string, range?: ByteRange): Promise<Uint8Array> {
    return await collected(this.stream(name, range));
  }

  stream(name: string, range: ByteRange = { start: 0 }): AsyncGenerator<Uint8Array> {
    checkRange(range);
    const key = this.#key(name);
    return resumed(this.#label(key), this.#network, range, (part, version) => this.#open(key, part, version));
  }

  async size(name: string): Promise<number> {
    const key = this.#key(name);
    const place = { Bucket: this.#bucket, Key: key };
    return await told("read", this.#label(key), this.#network, async () => {
      const asked = this.#client.send(new this.#sdk.HeadObjectCommand(place));
      const { ContentLength = 0 } = await asked.catch((error) => this.#sizeByGet(place, error));
      return ContentLength;
    });
  }

  /** An answer to HEAD has no body that tells whether the file or the bucket is missing, or why access is denied. */
  async #sizeByGet(
    place: { Bucket: string; Key: string },
    error: unknown,
  ): Promise<{ ContentLength?: number | undefined }> {
    if (!isRefused(error)) throw error;
    const found = await this.#client.send(new this.#sdk.GetObjectCommand(place));
    (found.Body as Readable | undefined)?.destroy();
    return found;
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    const key = this.#key(name);
    await told("write", this.#label(key), this.#network, async () => {
      if (bytes.length > multipartBytes)
        await putParts(this.#sdk, this.#client, { Bucket: this.#bucket, Key: key }, bytes);
      else await this.#put(key, bytes);
    });
  }

  async append(name: string, bytes: Uint8Array): Promise<void> {
    const key = this.#key(name);
    await told("append to", this.#label(key), this.#network, async () => {
      await this.#put(key, Buffer.concat([await this.#current(key), bytes]));
    });
  }

  async list(prefix = ""): Promise<readonly StoredFile[]> {
    checkPrefix(prefix, this.url);
    const start = this.#prefix + prefix;
    const files: StoredFile[] = [];
    await told("list", this.#label(start), this.#network, async () => {
      const asked = { Bucket: this.#bucket, Prefix: start };
      for await (const page of this.#sdk.paginateListObjectsV2({ client: this.#client }, asked)) {
        for (const { Key = "", Size = 0 } of page.Contents ?? []) {
          // Some tools make empty files that stand for folders.
          if (!Key.endsWith("/")) files.push({ name: Key.slice(this.#prefix.length), bytes: Size });
        }
      }
    });
    return files.sort(byName);
  }

  async remove(name: string): Promise<void> {
    const place = { Bucket: this.#bucket, Key: this.#key(name) };
    await told("remove", this.#label(place.Key), this.#network, async () => {
      await this.#client.send(new this.#sdk.DeleteObjectCommand(place));
    });
  }

  async #open(key: string, { start, end }: ByteRange, version: string | undefined): Promise<Opened> {
    const range =
      start === 0 && end === undefined ? {} : { Range: `bytes=${start}-${end === undefined ? "" : end - 1}` };
    const same = version === undefined ? {} : { IfMatch: version };
    const asked = { Bucket: this.#bucket, Key: key, ...range, ...same };
    return await told("read", this.#label(key), this.#network, async () => {
      try {
        const { Body, ETag } = await this.#client.send(new this.#sdk.GetObjectCommand(asked));
        const source = (Body as Readable | undefined) ?? Readable.from([]);
        return { body: source, source, version: ETag };
      } catch (error) {
        if (!isOutOfRange(error)) throw error;
        const source = Readable.from([]);
        return { body: source, source, version };
      }
    });
  }

  async #current(key: string): Promise<Uint8Array> {
    try {
      const found = await this.#client.send(new this.#sdk.GetObjectCommand({ Bucket: this.#bucket, Key: key }));
      return (await found.Body?.transformToByteArray()) ?? new Uint8Array();
    } catch (error) {
      if (isMissing(error)) return new Uint8Array();
      throw error;
    }
  }

  async #put(key: string, bytes: Uint8Array): Promise<void> {
    const asked = { Bucket: this.#bucket, Key: key, Body: bytes, ContentLength: bytes.length };
    await this.#client.send(new this.#sdk.PutObjectCommand(asked));
  }

  #key(name: string): string {
    checkName(name, this.url);
    return this.#prefix + name;
  }

  #label(key: string): string {
    return `s3://${this.#bucket}/${key}`;
  }
}
