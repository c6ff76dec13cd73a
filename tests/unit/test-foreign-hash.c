/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * test-foreign-hash: hashes of the original bus, made by werkzeug and by Python's hashlib, and
 * what somebody may write in their place.
 */

#include "sb-error.h"
#include "sb-foreign-hash.h"
#include "sb-password.h"
#include "sb-test.h"

#include <string.h>

#define LONG_SALT "01234567890123456789012345678901234567890123456789012345678901234"
#define SHA256_DIGEST "d75410892585eb5f0fdb3318c4b6d5a0e792c3d738ccd261c71e72df06d545de"
#define SCRYPT_DIGEST                                                \
  "87ac123d3bc109984bbd909dcc96bc223ddf0d3198f9d1f0058e97f18a0360f0" \
  "e0dd4a42b52029f293d27aafa663a1d1b3f9ea5a29aa2a7caffb02706ba152da"
/* "secret" */
#define CHEAP_HASH "pbkdf2:sha256:10$cheapcheapcheap0$" SHA256_DIGEST
#define CHEAP_SCRYPT "scrypt:4:1:1$s$" SCRYPT_DIGEST
#define OWN_HASH "$y$j75$abcdefgh$uMUXG79B2cFpoAYyDccUnsaH/aGTyBYMlnQidzyag01"

static const struct
{
  const char *password;
  const char *hash;
} vectors[] = {
  /* By werkzeug 2.2.2, as the original bus has it. */
  { "secret", "pbkdf2:sha256:260000$mh9mC7KUyigUdlFh$"
              "5eeecd39d067740725f09afd5c89852c3f07da1334a797c4e957978b0e961e7f" },
  /* By hashlib. */
  { "secret", CHEAP_HASH },
  { "secret", "pbkdf2:sha256:1$0Z9y8X7w6V5u4T3s$"
              "de20d6eb06e5d6b343bd1578a336c0d1038167a0057a929d1053c4c3e50539e3" },
  { "secret", "pbkdf2:sha256:1$0Z9y8X7w6V5u4T3s$"
              "DE20D6EB06E5D6B343BD1578A336C0D1038167A0057A929D1053C4C3E50539E3" },
  { "пароль", "pbkdf2:sha256:1000$salt$"
              "223285127a21306d553fc9afe3d025edf1cc042ca32337166829f4b6cbacf061" },
  { "", "pbkdf2:sha256:1000$salt$"
        "94fb56af3ea22e5d3ed1b054085b136ca301b75d8b406c802c489479f27387c6" },
  { "secret", "pbkdf2:sha1:1000$salt$fa7bab9eff3a06a5271ccfb9b6d8728d0c7a334d" },
  { "secret", "pbkdf2:sha512:1000$salt$"
              "f76f72381b75f0deb1c339334a8c8974366cadbc6bf46460f978363de8d210db"
              "ccfa7a5908cfe50e6172bf6bc4d7b72dd48f1d543ce48736da7f7fcf6db4672c" },
  { "secret", "scrypt:32768:8:1$aBcDeFgHiJkLmNoP$"
              "3bd70b2724c3d27a0b207b1388631a778cf91927279c3efe437d5c4c7747139c"
              "f5cf0cf23a66bbdfc1e148d58ebecaec875e0ec74acb44aca2bd99c9c448c909" },
  { "пароль", "scrypt:1024:8:1$q1W2e3R4t5Y6u7I8$"
              "ec29a9e598eb9d43f992e6352466be7cfa28c4edc99f32640b8ad9f800d76d12"
              "c4a8e27301db5bc2b8225e2ff315d09140976ccc1d753fce671681276a6321f2" },
  { "secret", CHEAP_SCRYPT },
  { "secret", "scrypt:16:1:16$salt$"
              "fcc9ecf0476f7992a2f6a32bfe75e4042e0ca767c0f45d34457f261f2df09246"
              "c1ab1159399d4e3a0dc779d4a5c949bc674125840ee8bc09aab941bf50bf1a9a" },
  { "", "scrypt:16:2:3$salt$"
        "c35d67d9719558ed846a025b1ca82a1c9a175d92a744d45677ff11f717124db8"
        "39f7bec6b60864f5817ee68c965cc087a4681e29a9ed4f57073f925c74cad540" },
  { "secret", "scrypt:64:100:1$salt$"
              "578b53366a1a34a8ab4306aba4eb4e35727bb2ceedaec238b7283437c0a0c974"
              "60dfc82f7d0d1b9360f73e4c8be7e2447a241f2632a12a97675779b3f976bdb4" },
};

static gboolean
verify (const char *password, const char *hash)
{
  g_autoptr (GError) error = NULL;
  gboolean matches = FALSE;

  g_assert_true (sb_password_verify (password, hash, &matches, &error));
  g_assert_no_error (error);
  return matches;
}

static void
a_hash_knows_its_password (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (vectors); i++)
    {
      g_autofree char *longer = g_strconcat (vectors[i].password, "x", NULL);

      g_test_message ("%s", vectors[i].hash);
      g_assert_true (sb_password_is_foreign (vectors[i].hash));
      g_assert_true (sb_password_check_hash (vectors[i].hash, NULL));
      g_assert_true (verify (vectors[i].password, vectors[i].hash));
      g_assert_false (verify (longer, vectors[i].hash));
    }
}

/* In each byte that is compared. */
static void
another_digest_matches_nothing (void)
{
  g_autofree char *sha256 = g_strdup (CHEAP_HASH);
  g_autofree char *scrypt = g_strdup (CHEAP_SCRYPT);

  for (gsize i = strlen (sha256) - 64; i < sizeof CHEAP_HASH - 1; i++)
    {
      char digit = sha256[i];

      sha256[i] = digit == '0' ? '1' : '0';
      g_assert_false (verify ("secret", sha256));
      sha256[i] = digit;
    }
  for (gsize i = strlen (scrypt) - 128; i < sizeof CHEAP_SCRYPT - 1 - 64; i++)
    {
      char digit = scrypt[i];

      scrypt[i] = digit == '0' ? '1' : '0';
      g_assert_false (verify ("secret", scrypt));
      scrypt[i] = digit;
    }
  g_assert_true (verify ("secret", sha256));
  g_assert_true (verify ("secret", scrypt));
}

static void
a_password_that_is_too_long_matches_nothing (void)
{
  g_autofree char *password = g_strnfill (1000000, 'x');

  g_assert_false (verify (password, CHEAP_HASH));
  g_assert_false (verify (password, CHEAP_SCRYPT));
}

static const char *const bad[] = {
  "pbkdf2:",
  "scrypt:",
  "pbkdf2:$$",
  "scrypt:$$",
  "pbkdf2:sha256",
  "pbkdf2:sha256:10",
  "pbkdf2:sha256:10$salt",
  "pbkdf2:sha256:10$salt$",
  CHEAP_HASH "$",
  CHEAP_HASH "0",
  CHEAP_HASH "00",
  CHEAP_HASH "\n",
  /* Methods */
  "pbkdf2:md5:10$salt$" SHA256_DIGEST,
  "pbkdf2:SHA256:10$salt$" SHA256_DIGEST,
  "pbkdf2::10$salt$" SHA256_DIGEST,
  "pbkdf2:sha1:10$salt$" SHA256_DIGEST,
  "pbkdf2:sha512:10$salt$" SHA256_DIGEST,
  "scrypt:4:1:1$s$" SHA256_DIGEST,
  /* Iterations */
  "pbkdf2:sha256$salt$" SHA256_DIGEST,
  "pbkdf2:sha256:$salt$" SHA256_DIGEST,
  "pbkdf2:sha256:0$salt$" SHA256_DIGEST,
  "pbkdf2:sha256:-1$salt$" SHA256_DIGEST,
  "pbkdf2:sha256:+1$salt$" SHA256_DIGEST,
  "pbkdf2:sha256: 1$salt$" SHA256_DIGEST,
  "pbkdf2:sha256:0x10$salt$" SHA256_DIGEST,
  "pbkdf2:sha256:5000001$salt$" SHA256_DIGEST,
  "pbkdf2:sha256:4294967297$salt$" SHA256_DIGEST,
  "pbkdf2:sha256:99999999999999999999999$salt$" SHA256_DIGEST,
  "pbkdf2:sha256:10:1$salt$" SHA256_DIGEST,
  /* Salts */
  "pbkdf2:sha256:10$$" SHA256_DIGEST,
  "pbkdf2:sha256:10$sa lt$" SHA256_DIGEST,
  "pbkdf2:sha256:10$соль$" SHA256_DIGEST,
  "pbkdf2:sha256:10$" LONG_SALT "$" SHA256_DIGEST,
  "scrypt:4:1:1$a:b$" SCRYPT_DIGEST,
  /* Digests */
  "pbkdf2:sha256:10$salt$g75410892585eb5f0fdb3318c4b6d5a0e792c3d738ccd261c71e72df06d545de",
  "pbkdf2:sha256:10$salt$ 75410892585eb5f0fdb3318c4b6d5a0e792c3d738ccd261c71e72df06d545de",
  /* Parameters of scrypt */
  "scrypt$salt$" SCRYPT_DIGEST,
  "scrypt:2$salt$" SCRYPT_DIGEST,
  "scrypt:4:1$salt$" SCRYPT_DIGEST,
  "scrypt:4:1:1:1$salt$" SCRYPT_DIGEST,
  "scrypt:0:1:1$salt$" SCRYPT_DIGEST,
  "scrypt:1:1:1$salt$" SCRYPT_DIGEST,
  "scrypt:2:1:1$salt$" SCRYPT_DIGEST,
  "scrypt:3:1:1$salt$" SCRYPT_DIGEST,
  "scrypt:32767:8:1$salt$" SCRYPT_DIGEST,
  "scrypt:4:0:1$salt$" SCRYPT_DIGEST,
  "scrypt:4:1:0$salt$" SCRYPT_DIGEST,
  "scrypt:1048576:1:1$salt$" SCRYPT_DIGEST,
  "scrypt:131072:8:1$salt$" SCRYPT_DIGEST,
  "scrypt:32768:17:1$salt$" SCRYPT_DIGEST,
  "scrypt:4:131073:1$salt$" SCRYPT_DIGEST,
  "scrypt:65536:8:3$salt$" SCRYPT_DIGEST,
  "scrypt:4:1:17$salt$" SCRYPT_DIGEST,
  "scrypt:4294967296:8:1$salt$" SCRYPT_DIGEST,
  "scrypt:4:4294967297:1$salt$" SCRYPT_DIGEST,
  "scrypt:4:1:4294967297$salt$" SCRYPT_DIGEST,
};

static void
what_is_none_or_asks_for_too_much_is_refused (void)
{
  for (gsize i = 0; i < G_N_ELEMENTS (bad); i++)
    {
      g_autoptr (GError) check_error = NULL;
      g_autoptr (GError) error = NULL;
      gboolean matches = TRUE;

      g_test_message ("%s", bad[i]);
      g_assert_false (sb_foreign_hash_check (bad[i], &check_error));
      g_assert_error (check_error, SB_ERROR, SB_ERROR_UNSUPPORTED);
      g_assert_false (sb_foreign_hash_verify ("secret", bad[i], &matches, &error));
      g_assert_error (error, SB_ERROR, SB_ERROR_UNSUPPORTED);
      g_assert_false (matches);
      g_assert_false (sb_password_check_hash (bad[i], NULL));
    }
}

/* The most that is let through, in memory and in time. */
static void
the_bounds_themselves_are_let_through (void)
{
  static const char *const good[] = {
    "pbkdf2:sha256:5000000$salt$" SHA256_DIGEST, "scrypt:524288:1:1$salt$" SCRYPT_DIGEST,
    "scrypt:65536:8:2$salt$" SCRYPT_DIGEST,      "scrypt:4:131072:2$salt$" SCRYPT_DIGEST,
    "scrypt:4096:16:16$salt$" SCRYPT_DIGEST,
  };

  for (gsize i = 0; i < G_N_ELEMENTS (good); i++)
    {
      g_test_message ("%s", good[i]);
      g_assert_true (sb_foreign_hash_check (good[i], NULL));
    }
  for (gsize i = 1; i < G_N_ELEMENTS (good); i++)
    g_assert_false (verify ("secret", good[i]));
}

static void
a_hash_without_iterations_says_what_to_do (void)
{
  g_autoptr (GError) error = NULL;

  g_assert_false (sb_password_check_hash ("pbkdf2:sha256$salt$" SHA256_DIGEST, &error));
  g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
  g_assert_nonnull (strstr (error->message, "give the user a new password"));
}

/* Hashes of this bus */

static void
hashes_of_this_bus_are_taken (void)
{
  g_autofree char *made = sb_password_hash ("secret", NULL);
  g_autofree char *dummy = sb_password_make_dummy ();

  g_assert_true (sb_password_check_hash (made, NULL));
  g_assert_true (sb_password_check_hash (dummy, NULL));
  g_assert_true (sb_password_check_hash (OWN_HASH, NULL));
  g_assert_false (sb_password_is_foreign (made));
  g_assert_false (sb_password_is_foreign (""));
  g_assert_false (sb_password_is_foreign ("pb"));
}

/* Also what libcrypt would take: another method, or a cost of gigabytes. */
static void
other_hashes_are_not (void)
{
  static const char *const others[] = {
    "",
    "secret",
    "plain$$secret",
    "md5$salt$5ebe2294ecd0e0f08eab7690d2a6ee69",
    "ab01FAX.bQRSU",
    "$1$abcdefgh$irWbblnpmw.5z7wgBnprh0",
    "$2b$04$abcdefghijklmnopqrstuu2r9OfJnfCsdneAXAGHnS4UpFFP8WIrW",
    "$7$D6..../....abcdefgh12345678$6g9iWKDXEpkfe9uhKtfxj.62CJ3TYrm5dVZq5nJxZj6",
    "$y$jFT$abcdefgh$uMUXG79B2cFpoAYyDccUnsaH/aGTyBYMlnQidzyag01",
    "$y$j75$$uMUXG79B2cFpoAYyDccUnsaH/aGTyBYMlnQidzyag01",
    "$y$j75$abcdefgh",
    "$y$j75$abcdefgh$",
    "$y$j75$abcdefgh$uMUXG79B2cFpoAYyDcc",
    "$y$j75$abc:efgh$uMUXG79B2cFpoAYyDccUnsaH/aGTyBYMlnQidzyag01",
    OWN_HASH "x",
    OWN_HASH "$",
  };

  for (gsize i = 0; i < G_N_ELEMENTS (others); i++)
    {
      g_autoptr (GError) error = NULL;

      g_test_message ("%s", others[i]);
      g_assert_false (sb_password_check_hash (others[i], &error));
      g_assert_error (error, SB_ERROR, SB_ERROR_INVALID);
    }
}

/* The pool */

typedef struct
{
  gboolean matches;
  char *renewed; /* (nullable) */
  gboolean done; /* set last */
} Answer;

static void
on_verified (GObject *source, GAsyncResult *result, gpointer user_data)
{
  Answer *answer = user_data;
  g_autoptr (GError) error = NULL;

  sb_password_pool_verify_finish (NULL, result, &answer->matches, &error);
  g_assert_no_error (error);
  answer->renewed = g_strdup (sb_password_pool_get_renewed_hash (result));
  answer->done = TRUE;
}

/* Returns: (transfer full) (nullable): what should be stored instead. */
static char *
verify_in_pool (const char *password, const char *hash, gboolean matches)
{
  g_autoptr (SbPasswordPool) pool = sb_password_pool_new_full (1, 1);
  Answer answer = { FALSE, NULL, FALSE };

  sb_password_pool_verify_async (pool, password, hash, NULL, NULL, on_verified, &answer);
  sb_test_wait_flag (&answer.done, "the answer");
  g_assert_cmpint (answer.matches, ==, matches);
  return answer.renewed;
}

static void
the_right_password_is_hashed_anew (void)
{
  g_autofree char *renewed = verify_in_pool ("secret", CHEAP_HASH, TRUE);

  g_assert_nonnull (renewed);
  g_assert_false (sb_password_is_foreign (renewed));
  g_assert_true (verify ("secret", renewed));
}

static void
others_are_not_hashed_anew (void)
{
  g_assert_null (verify_in_pool ("wrong", CHEAP_HASH, FALSE));
  g_assert_null (verify_in_pool ("secret", OWN_HASH, TRUE));
  g_assert_null (verify_in_pool ("wrong", OWN_HASH, FALSE));
}

int
main (int argc, char **argv)
{
  sb_test_init (&argc, &argv);
  g_test_add_func ("/foreign-hash/a-hash-knows-its-password", a_hash_knows_its_password);
  g_test_add_func ("/foreign-hash/another-digest-matches-nothing", another_digest_matches_nothing);
  g_test_add_func ("/foreign-hash/a-password-that-is-too-long-matches-nothing",
                   a_password_that_is_too_long_matches_nothing);
  g_test_add_func ("/foreign-hash/what-is-none-or-asks-for-too-much-is-refused",
                   what_is_none_or_asks_for_too_much_is_refused);
  g_test_add_func ("/foreign-hash/the-bounds-themselves-are-let-through",
                   the_bounds_themselves_are_let_through);
  g_test_add_func ("/foreign-hash/a-hash-without-iterations-says-what-to-do",
                   a_hash_without_iterations_says_what_to_do);
  g_test_add_func ("/foreign-hash/hashes-of-this-bus-are-taken", hashes_of_this_bus_are_taken);
  g_test_add_func ("/foreign-hash/other-hashes-are-not", other_hashes_are_not);
  g_test_add_func ("/foreign-hash/the-right-password-is-hashed-anew",
                   the_right_password_is_hashed_anew);
  g_test_add_func ("/foreign-hash/others-are-not-hashed-anew", others_are_not_hashed_anew);
  return g_test_run ();
}
