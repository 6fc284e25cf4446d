// A place for files: a folder, a web server, a bucket. What checkpoints and tables stand on.

/** Part of a file: from byte `start` up to, not including, byte `end` (default: the end of the file). */
export interface ByteRange {
  readonly start: number;
  readonly end?: number;
}

/** A file as `list` shows it. */
export interface StoredFile {
  /** As `read` takes it: relative to the storage, with `/` between folders. */
  readonly name: string;
  readonly bytes: number;
}

/**
 * Names are relative, with `/` between folders; they cannot leave the storage. All methods fail with a `FlockError` whose code
 * begins with `FLOCK_STORAGE_` and whose message says what happened, where, and what to do.
 */
export interface Storage {
  /** Where it is, as text for people: never contains secrets. */
  readonly url: string;
  /** The whole file, or a part of it; shorter than asked for where the file ends before `range.end`. */
  read(name: string, range?: ByteRange): Promise<Uint8Array>;
  /** The same, piece by piece, so that large files do not fill memory. Goes on where it was when the connection breaks. */
  stream(name: string, range?: ByteRange): AsyncIterable<Uint8Array>;
  /** Size of the file in bytes. */
  size(name: string): Promise<number>;
  /** Creates or replaces the file, all or nothing: who reads meanwhile sees the old file or the new one; on disk when it returns. */
  write(name: string, bytes: Uint8Array): Promise<void>;
  /** Adds to the end of the file, creating it. Meant for one writer at a time: S3 has no append, so there the file is written anew. */
  append(name: string, bytes: Uint8Array): Promise<void>;
  /** All files whose names begin with `prefix` (default: all), also those in folders below, ordered by name. */
  list(prefix?: string): Promise<readonly StoredFile[]>;
  /** Removes the file. One that is not there is no error. */
  remove(name: string): Promise<void>;
}

/** How to reach S3, or a server that speaks its protocol. What is absent, the AWS SDK takes from environment and profile. */
export interface S3Options {
  /** Such as "http://127.0.0.1:7480"; default: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, else Amazon's. */
  readonly endpoint?: string;
  /** "server/bucket/key" instead of "bucket.server/key"; default: true where an endpoint is given. */
  readonly forcePathStyle?: boolean;
  /** Default: `AWS_REGION`, the profile, else "us-east-1". */
  readonly region?: string;
  /** Default: the AWS SDK's own search (environment, profile, role of the machine). */
  readonly credentials?: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
}

export interface StorageOptions {
  /** How often a request over the network is tried again after a failure that may pass; default 4. */
  readonly retries?: number;
  /** A request over the network fails (and is tried again) after so long without a byte, in milliseconds; default 30,000. */
  readonly timeoutMs?: number;
  /** For `http:` and `https:`: sent with each request to the server of the address, not to another one that it redirects to. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly s3?: S3Options;
}
