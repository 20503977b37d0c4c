import { errorsOf } from '../base/machine-error.ts';

export const imageErrors = {
  MM_IMAGE_UNKNOWN: { summary: 'There is no image of that name, neither here nor in the catalogue.' },
  MM_IMAGE_NAME: { summary: 'The name of an image has characters that it cannot have.' },
  MM_IMAGE_FILE: { summary: 'The file given as a disk image is missing or not a disk image.' },
  MM_IMAGE_IN_USE: { summary: 'An image cannot be removed while machines are built on it.' },
  MM_IMAGE_BUILD_ROOT: { summary: 'Building an image needs root.' },
  MM_IMAGE_BUILD_PLATFORM: {
    summary:
      "Images can be built on Debian and Ubuntu computers with x86_64 processors only, each of its own distribution's releases.",
  },
  MM_IMAGE_BUILD_PACKAGES: { summary: 'Programs that building an image needs are not installed.' },
  MM_IMAGE_BUILD_FAILED: { summary: 'A program that builds the image ended with an error.' },
} as const;

export const imageError = errorsOf(imageErrors);
