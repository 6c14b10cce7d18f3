import type * as http from 'node:http';
import type * as https from 'node:https';
import type * as net from 'node:net';
import type * as tls from 'node:tls';

/** Node's modules that speak to servers. */
export interface NodeNetwork {
  readonly http: typeof http;
  readonly https: typeof https;
  readonly net: typeof net;
  readonly tls: typeof tls;
}

/** Loaded on first use, since in a program of one file every import is the program's: they cost each command 15 ms. */
export function loadNode(): NodeNetwork {
  return {
    http: process.getBuiltinModule('node:http'),
    https: process.getBuiltinModule('node:https'),
    net: process.getBuiltinModule('node:net'),
    tls: process.getBuiltinModule('node:tls'),
  };
}
