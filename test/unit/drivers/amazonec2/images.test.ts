import { expect, test } from 'vitest';
import { imageNames, systems } from '../../../../src/drivers/amazonec2/instance/images.ts';
import { catalogueNames } from '../../../../src/images/catalogue.ts';

test('every release that other drivers boot is to be had at EC2, and the default stays', () => {
  const releases = catalogueNames.filter((name) => /^[a-z]+-[\d.]+$/.test(name));
  expect([...imageNames].sort()).toEqual([...releases].sort());
  expect(imageNames[0]).toBe('ubuntu-24.04');
});

test('an image of Ubuntu is Canonical’s in each partition of AWS, under the name that its release has', () => {
  const ubuntu = systems['ubuntu-26.04'];
  expect(ubuntu?.name('arm64')).toBe('ubuntu/images/hvm-ssd-gp3/ubuntu-resolute-26.04-arm64-server-*');
  expect(ubuntu?.owner('eu-central-1')).toBe('099720109477');
  expect(ubuntu?.owner('us-gov-west-1')).toBe('513442679011');
  expect(ubuntu?.owner('cn-northwest-1')).toBe('837727238323');
});
