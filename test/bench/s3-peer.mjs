#!/usr/bin/env node
// What the bars of S3 are measured against: signed requests by node:http and nothing else.
//   s3-peer.mjs put FOLDER PREFIX       every file below the folder, one PUT each
//   s3-peer.mjs parts FILE KEY          one file in parts of 16 MiB
import { createHash, createHmac } from 'node:crypto';
import { closeSync, fstatSync, openSync, read, readdirSync, readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { promisify } from 'node:util';

const { DATAWF_S3_PEER: endpoint, AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = process.env;
const { hostname, port, host } = new URL(endpoint);
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
const sha256 = (data) => createHash('sha256').update(data).digest('hex');
const mac = (key, text) => createHmac('sha256', key).update(text).digest();
const key = ['s3', 'aws4_request'].reduce(mac, mac(mac(`AWS4${secret}`, day()), 'us-east-1'));

function day() {
  return new Date().toISOString().slice(0, 10).replaceAll('-', '');
}

function send(method, path, { query = '', body = Buffer.alloc(0), payload = sha256(body) } = {}) {
  const stamp = new Date().toISOString().replace(/[-:]|\.\d{3}/g, '');
  const names = 'host;x-amz-content-sha256;x-amz-date';
  const lines = `host:${host}\nx-amz-content-sha256:${payload}\nx-amz-date:${stamp}\n`;
  const scope = `${day()}/us-east-1/s3/aws4_request`;
  const canonical = `${method}\n${path}\n${query}\n${lines}\n${names}\n${payload}`;
  const signature = createHmac('sha256', key)
    .update(`AWS4-HMAC-SHA256\n${stamp}\n${scope}\n${sha256(canonical)}`)
    .digest('hex');
  const headers = {
    host,
    'x-amz-content-sha256': payload,
    'x-amz-date': stamp,
    'content-length': body.byteLength,
    authorization: `AWS4-HMAC-SHA256 Credential=${id}/${scope}, SignedHeaders=${names}, Signature=${signature}`,
  };
  return new Promise((resolve, reject) => {
    const sent = request({ agent, hostname, port, method, headers, path: query ? `${path}?${query}` : path });
    sent.on('error', reject);
    sent.on('response', (answer) => {
      const pieces = [];
      answer.on('data', (piece) => pieces.push(piece));
      answer.on('end', () => {
        const text = Buffer.concat(pieces).toString();
        if (answer.statusCode < 300) resolve({ text, headers: answer.headers });
        else reject(new Error(`${method} ${path}: ${answer.statusCode} ${text}`));
      });
    });
    sent.end(body);
  });
}

async function inParallel(items, width, work) {
  const queue = items[Symbol.iterator]();
  await Promise.all(
    Array.from({ length: width }, async () => {
      for (const item of queue) await work(item);
    }),
  );
}

async function putAll(folder, prefix) {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  await inParallel(names, 64, async (entry) => {
    await send('PUT', `${prefix}/${entry.name}`, {
      body: readFileSync(join(entry.parentPath ?? entry.path, entry.name)),
    });
  });
}

async function putParts(file, path) {
  const readAt = promisify(read);
  const partBytes = 16 << 20;
  const fd = openSync(file, 'r');
  const { size } = fstatSync(fd);
  const { text } = await send('POST', path, { query: 'uploads=' });
  const uploadId = /<UploadId>([^<]+)/.exec(text)[1];
  const etags = [];
  const numbers = Array.from({ length: Math.ceil(size / partBytes) }, (_, at) => at + 1);
  const buffers = Array.from({ length: 6 }, () => Buffer.allocUnsafeSlow(partBytes));
  await inParallel(numbers, 6, async (number) => {
    const buffer = buffers.pop();
    const { bytesRead } = await readAt(fd, buffer, 0, partBytes, (number - 1) * partBytes);
    const query = `partNumber=${number}&uploadId=${encodeURIComponent(uploadId)}`;
    const { headers } = await send('PUT', path, {
      query,
      body: buffer.subarray(0, bytesRead),
      payload: 'UNSIGNED-PAYLOAD',
    });
    etags[number] = headers.etag;
    buffers.push(buffer);
  });
  closeSync(fd);
  const parts = numbers.map(
    (number) => `<Part><PartNumber>${number}</PartNumber><ETag>${etags[number]}</ETag></Part>`,
  );
  const body = Buffer.from(`<CompleteMultipartUpload>${parts.join('')}</CompleteMultipartUpload>`);
  await send('POST', path, { query: `uploadId=${encodeURIComponent(uploadId)}`, body });
}

const [verb, source, target] = process.argv.slice(2);
await (verb === 'put' ? putAll : putParts)(source, target);
agent.destroy();
