/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* disk-log: what disk-spy writes down. Each record is followed by its bytes, if it has any. */
#pragma once

#include <stdint.h>

/* The file that the spy appends to, and the folder whose files switch faults on. */
#define DISK_ENV_LOG "SB_DISK_LOG"
#define DISK_ENV_FAULTS "SB_DISK_FAULTS"

/* Faults, by the name of the file that switches each one on. */
#define DISK_FAULT_FULL "full"   /* nothing can be written: ENOSPC */
#define DISK_FAULT_FLUSH "flush" /* nothing can be flushed: EIO */
#define DISK_FAULT_SLOW "slow"   /* a flush takes DISK_SLOW_MS longer */
#define DISK_SLOW_MS 300

typedef enum
{
  DISK_WRITE = 1, /* `length` bytes at `offset` */
  DISK_TRUNCATE,  /* to `offset` bytes */
  DISK_FLUSH,     /* has ended well */
  DISK_SEND,      /* `length` bytes on a socket */
} DiskKind;

typedef enum
{
  DISK_DATABASE = 1,
  DISK_WAL,
} DiskFile;

typedef struct
{
  uint32_t kind;
  uint32_t file;
  uint64_t offset;
  uint64_t length;
} DiskRecord;
