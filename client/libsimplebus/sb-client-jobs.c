/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* sb-client-jobs: a pool of threads and one source by which they come back. */

#include "sb-client-jobs.h"

typedef struct
{
  SbClientJobFunc run;
  SbClientJobFunc done; /* (nullable) */
  gpointer data;
} Job;

struct _SbClientJobs
{
  guint refs;
  GThreadPool *pool;     /* (owned) (nullable): NULL when it is freed */
  GMainContext *context; /* (owned) */
  GSource *source;       /* (owned) */
  guint n_pending;

  GMutex lock; /* for what follows */
  GQueue done; /* of Job (owned): in the order in which they ended */
};

static void
jobs_unref (SbClientJobs *self)
{
  if (--self->refs > 0)
    return;
  g_mutex_clear (&self->lock);
  g_main_context_unref (self->context);
  g_free (self);
}

static void
run (gpointer data, gpointer user_data)
{
  SbClientJobs *self = user_data;
  Job *job = data;

  job->run (job->data);
  g_mutex_lock (&self->lock);
  g_queue_push_tail (&self->done, job);
  g_source_set_ready_time (self->source, 0);
  g_mutex_unlock (&self->lock);
}

static Job *
take_done (SbClientJobs *self)
{
  Job *job;

  g_mutex_lock (&self->lock);
  job = g_queue_pop_head (&self->done);
  g_mutex_unlock (&self->lock);
  return job;
}

/* What is called here may free the pool. */
static void
call_back (SbClientJobs *self)
{
  Job *job;

  self->refs++;
  while ((job = take_done (self)) != NULL)
    {
      self->n_pending--;
      if (job->done != NULL)
        job->done (job->data);
      g_free (job);
    }
  jobs_unref (self);
}

static gboolean
call_back_cb (gpointer user_data)
{
  SbClientJobs *self = user_data;

  g_source_set_ready_time (self->source, -1);
  call_back (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
dispatch (GSource *source, GSourceFunc callback, gpointer user_data)
{
  return callback (user_data);
}

static GSourceFuncs source_funcs = { NULL, NULL, dispatch, NULL, NULL, NULL };

SbClientJobs *
sb_client_jobs_new (guint n_threads)
{
  SbClientJobs *self = g_new0 (SbClientJobs, 1);

  self->refs = 1;
  g_mutex_init (&self->lock);
  g_queue_init (&self->done);
  self->context = g_main_context_ref_thread_default ();
  self->source = g_source_new (&source_funcs, sizeof (GSource));
  g_source_set_name (self->source, "sb-client-jobs");
  g_source_set_callback (self->source, call_back_cb, self, NULL);
  g_source_attach (self->source, self->context);
  /* Threads that are not exclusive are started when they are needed: this cannot fail. */
  self->pool = g_thread_pool_new (run, self, (int) n_threads, FALSE, NULL);
  return self;
}

void
sb_client_jobs_free (SbClientJobs *self)
{
  GThreadPool *pool = g_steal_pointer (&self->pool);

  g_thread_pool_free (pool, FALSE, TRUE);
  g_source_destroy (self->source);
  call_back (self);
  g_source_unref (self->source);
  jobs_unref (self);
}

void
sb_client_jobs_push (SbClientJobs *self, SbClientJobFunc func, SbClientJobFunc done, gpointer data)
{
  Job *job = g_new (Job, 1);

  g_return_if_fail (self->pool != NULL);

  *job = (Job) { func, done, data };
  self->n_pending++;
  /* Without a thread, now or later: it stays in the queue until there is one. */
  g_thread_pool_push (self->pool, job, NULL);
}

guint
sb_client_jobs_get_pending (SbClientJobs *self)
{
  return self->n_pending;
}

GMainContext *
sb_client_jobs_get_context (SbClientJobs *self)
{
  return self->context;
}
