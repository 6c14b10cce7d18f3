/** What `env manifest` prints (schemas/env-manifest.schema.json): what an administrator applies. */

/** A statement of an IAM or bucket policy. */
export interface PolicyStatement {
  readonly Sid: string;
  readonly Effect: 'Allow' | 'Deny';
  readonly Principal?: '*' | { readonly Federated: string } | { readonly AWS: readonly string[] };
  readonly Action: string | readonly string[];
  readonly Resource?: readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

/** A policy as IAM and S3 take it. */
export interface PolicyDocument {
  readonly Version: '2012-10-17';
  readonly Statement: readonly PolicyStatement[];
}

/** What whoever works in an environment may do in the buckets of one service. */
export interface IdentityPolicy {
  readonly environment: string;
  /** Of the server as configured; null for AWS. */
  readonly endpoint: string | null;
  /** Name for the policy. */
  readonly name: string;
  /** ARN of the role to attach it to; null where the environment names none: then it is for its people. */
  readonly role: string | null;
  readonly document: PolicyDocument;
  /** Who may take the role: the environment's ServiceAccounts. null where nothing runs on Kubernetes with it. */
  readonly trust: PolicyDocument | null;
}

/** Who may not write into a bucket, whatever else they are allowed. */
export interface BucketPolicy {
  readonly bucket: string;
  readonly endpoint: string | null;
  readonly policy: PolicyDocument;
}

export interface S3Manifest {
  readonly policies: readonly IdentityPolicy[];
  readonly buckets: readonly BucketPolicy[];
}

/** An object of the Kubernetes API. */
export interface KubeManifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** Objects as `kubectl apply` takes them. */
export interface KubeList {
  readonly apiVersion: 'v1';
  readonly kind: 'List';
  readonly items: readonly KubeManifest[];
}

export interface EnvironmentManifest {
  readonly s3: S3Manifest;
  readonly kubernetes: KubeList;
}
