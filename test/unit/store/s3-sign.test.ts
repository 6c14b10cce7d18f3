import { describe, expect, it } from 'vitest';
import { EMPTY_PAYLOAD, Signer } from '../../../src/store/s3-sign.ts';

// The examples of AWS's own documentation, "Signature Calculations for the Authorization Header" and "Query Parameters".
const credentials = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
};
const host = 'examplebucket.s3.amazonaws.com';
const time = Date.UTC(2013, 4, 24);

describe('a signature', () => {
  it('is the one of a GET with a range', () => {
    const request = { method: 'GET', host, path: '/test.txt', query: '', payload: EMPTY_PAYLOAD, time };
    const signed = new Signer().sign(
      { ...request, headers: { range: 'bytes=0-9' } },
      credentials,
      'us-east-1',
    );
    expect(signed['authorization']).toBe(
      'AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, ' +
        'SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, ' +
        'Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
    );
  });

  it('is the one of a listing with a query', () => {
    const request = {
      method: 'GET',
      host,
      path: '/',
      query: 'max-keys=2&prefix=J',
      payload: EMPTY_PAYLOAD,
      time,
    };
    const signed = new Signer().sign({ ...request, headers: {} }, credentials, 'us-east-1');
    expect(signed['authorization']).toContain(
      'Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
    );
  });

  it('is the one of a URL', () => {
    const request = { host, path: '/test.txt', seconds: 86_400, time };
    expect(new Signer().presign(request, credentials, 'us-east-1')).toContain(
      'X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
    );
  });

  it('changes with the day, the region, the secret and the session', () => {
    const signer = new Signer();
    const request = { method: 'GET', host, path: '/', query: '', headers: {}, payload: EMPTY_PAYLOAD, time };
    const signatures = [
      signer.sign(request, credentials, 'us-east-1'),
      signer.sign({ ...request, time: time + 86_400_000 }, credentials, 'us-east-1'),
      signer.sign(request, credentials, 'eu-west-1'),
      signer.sign(request, { ...credentials, secretAccessKey: 'other' }, 'us-east-1'),
      signer.sign(request, { ...credentials, sessionToken: 'token' }, 'us-east-1'),
    ].map((headers) => headers['authorization']);
    expect(new Set(signatures).size).toBe(5);
    expect(signatures[4]).toContain('x-amz-security-token');
  });
});
