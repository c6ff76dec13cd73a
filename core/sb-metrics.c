/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * sb-metrics: families (one name, one help, one kind) of series (one set of labels).
 * Both are kept in sorted trees, so that rendering is a walk, and the same twice.
 */

#include "sb-metrics.h"

#include <math.h>
#include <string.h>

typedef enum
{
  COUNTER,
  GAUGE,
  HISTOGRAM,
  READING, /* a counter that somebody else keeps */
} Kind;

static const char *const kind_names[] = { "counter", "gauge", "histogram", "counter" };

/* Upper ends in seconds, even on a logarithmic scale. */
static const double bounds[] = {
  0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05,
  0.1,     0.2,    0.5,    1,      2,     5,     10,    20,   60,
};

#define MAX_BOUNDS 24

struct _SbHistogram
{
  guint64 counts[MAX_BOUNDS + 1]; /* the last one has no upper end */
  const double *bounds;           /* (unowned): static */
  guint n_bounds;
  double sum;
};

typedef struct
{
  char *labels; /* (owned): without braces, perhaps empty */
  union
  {
    SbCounter counter;
    SbHistogram histogram;
    struct
    {
      SbGaugeFunc func;
      gpointer user_data;
      guint id;
    } gauge; /* and a reading */
  };
} Series;

typedef struct
{
  const char *name; /* (unowned): interned */
  char *help;       /* (owned) */
  Kind kind;
  GTree *series; /* (owned): labels → Series */
} Family;

struct _SbMetrics
{
  GObject parent_instance;

  GTree *families; /* (owned): name → Family */
  guint last_gauge;
  gboolean is_rendering;
};

G_DEFINE_FINAL_TYPE (SbMetrics, sb_metrics, G_TYPE_OBJECT)

static int
compare (gconstpointer a, gconstpointer b, gpointer data)
{
  return strcmp (a, b);
}

static void
series_free (Series *series)
{
  g_free (series->labels);
  g_free (series);
}

static void
family_free (Family *family)
{
  g_tree_unref (family->series);
  g_free (family->help);
  g_free (family);
}

static void
sb_metrics_init (SbMetrics *self)
{
  self->families = g_tree_new_full (compare, NULL, NULL, (GDestroyNotify) family_free);
}

static void
sb_metrics_finalize (GObject *object)
{
  g_tree_unref (SB_METRICS (object)->families);
  G_OBJECT_CLASS (sb_metrics_parent_class)->finalize (object);
}

static void
sb_metrics_class_init (SbMetricsClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = sb_metrics_finalize;
}

/**
 * sb_metrics_new:
 *
 * Returns: (transfer full): metrics without any series
 */
SbMetrics *
sb_metrics_new (void)
{
  return g_object_new (SB_TYPE_METRICS, NULL);
}

static gboolean
is_name (const char *name)
{
  if (!g_ascii_isalpha (*name) && *name != '_' && *name != ':')
    return FALSE;
  for (const char *p = name; *p != '\0'; p++)
    if (!g_ascii_isalnum (*p) && *p != '_' && *p != ':')
      return FALSE;
  return TRUE;
}

/* One name is one kind; two meanings of it are a fault of the code. */
static Family *
get_family (SbMetrics *self, const char *name, const char *help, Kind kind)
{
  Family *family = g_tree_lookup (self->families, name);

  g_assert (!self->is_rendering);
  if (family != NULL && family->kind != kind)
    g_error ("metric %s is a %s and cannot be a %s, too", name, kind_names[family->kind],
             kind_names[kind]);
  if (family != NULL)
    return family;

  family = g_new0 (Family, 1);
  family->name = g_intern_string (name);
  family->help = g_strdup (help);
  family->kind = kind;
  family->series = g_tree_new_full (compare, NULL, NULL, (GDestroyNotify) series_free);
  g_tree_insert (self->families, (gpointer) family->name, family);
  return family;
}

static Series *
get_series (SbMetrics *self, const char *name, const char *help, const char *labels, Kind kind)
{
  Family *family = get_family (self, name, help, kind);
  Series *series = g_tree_lookup (family->series, labels != NULL ? labels : "");

  if (series != NULL)
    return series;
  series = g_new0 (Series, 1);
  series->labels = g_strdup (labels != NULL ? labels : "");
  g_tree_insert (family->series, series->labels, series);
  return series;
}

/**
 * sb_metrics_counter:
 * @self: metrics
 * @name: its name, by custom `simplebus_…_total`
 * @help: one line for people; that of the first series counts for all of the name
 * @labels: (nullable): `name="value"` pairs, separated by commas; see sb_metrics_label().
 *   Never from an endless set, such as what clients send: each one is kept for ever
 *
 * Returns: (transfer none): the counter of that name and these labels, made at the first call
 */
SbCounter *
sb_metrics_counter (SbMetrics *self, const char *name, const char *help, const char *labels)
{
  g_return_val_if_fail (SB_IS_METRICS (self), NULL);
  g_return_val_if_fail (name != NULL && is_name (name), NULL);
  g_return_val_if_fail (help != NULL, NULL);

  return &get_series (self, name, help, labels, COUNTER)->counter;
}

static guint
add_func (SbMetrics *self, const char *name, const char *help, const char *labels, Kind kind,
          SbGaugeFunc func, gpointer user_data)
{
  Series *series = get_series (self, name, help, labels, kind);

  series->gauge.func = func;
  series->gauge.user_data = user_data;
  series->gauge.id = ++self->last_gauge;
  return series->gauge.id;
}

/**
 * sb_metrics_gauge:
 * @self: metrics
 * @name: its name
 * @help: one line for people
 * @labels: (nullable): as for sb_metrics_counter()
 * @func: (scope notified): asked for the value when it is wanted
 * @user_data: for @func
 *
 * Shows a value until sb_metrics_remove_gauge(), which is to be called before @user_data goes.
 * A gauge of the same name and labels is replaced, and its id is void.
 *
 * Returns: an id, never 0
 */
guint
sb_metrics_gauge (SbMetrics *self, const char *name, const char *help, const char *labels,
                  SbGaugeFunc func, gpointer user_data)
{
  g_return_val_if_fail (SB_IS_METRICS (self), 0);
  g_return_val_if_fail (name != NULL && is_name (name), 0);
  g_return_val_if_fail (help != NULL && func != NULL, 0);

  return add_func (self, name, help, labels, GAUGE, func, user_data);
}

/**
 * sb_metrics_reading:
 * @self: metrics
 * @name: its name, by custom `…_total`
 * @help: one line for people
 * @labels: (nullable): as for sb_metrics_counter()
 * @func: (scope notified): asked for what was counted; it must never get less
 * @user_data: for @func
 *
 * The same for a counter that somebody else keeps.
 *
 * Returns: an id for sb_metrics_remove_gauge(), never 0
 */
guint
sb_metrics_reading (SbMetrics *self, const char *name, const char *help, const char *labels,
                    SbGaugeFunc func, gpointer user_data)
{
  g_return_val_if_fail (SB_IS_METRICS (self), 0);
  g_return_val_if_fail (name != NULL && is_name (name), 0);
  g_return_val_if_fail (help != NULL && func != NULL, 0);

  return add_func (self, name, help, labels, READING, func, user_data);
}

typedef struct
{
  guint id;
  Family *family; /* (unowned) (nullable) */
  Series *series; /* (unowned) (nullable) */
} Search;

static gboolean
has_func (const Family *family)
{
  return family->kind == GAUGE || family->kind == READING;
}

static gboolean
match_series (gpointer labels, gpointer value, gpointer data)
{
  Search *search = data;
  Series *series = value;

  if (series->gauge.id == search->id)
    search->series = series;
  return search->series != NULL;
}

static gboolean
match_family (gpointer name, gpointer value, gpointer data)
{
  Search *search = data;

  search->family = value;
  if (has_func (search->family))
    g_tree_foreach (search->family->series, match_series, search);
  return search->series != NULL;
}

/**
 * sb_metrics_remove_gauge:
 * @self: metrics
 * @id: a result of sb_metrics_gauge(); one that is void already does nothing
 *
 * Stops showing a gauge.
 */
void
sb_metrics_remove_gauge (SbMetrics *self, guint id)
{
  Search search = { .id = id };

  g_return_if_fail (SB_IS_METRICS (self));
  g_return_if_fail (id != 0);
  g_assert (!self->is_rendering);

  g_tree_foreach (self->families, match_family, &search);
  if (search.series == NULL)
    return;
  g_tree_remove (search.family->series, search.series->labels);
  if (g_tree_nnodes (search.family->series) == 0)
    g_tree_remove (self->families, search.family->name);
}

/**
 * sb_metrics_histogram:
 * @self: metrics
 * @name: its name, by custom `…_seconds`
 * @help: one line for people
 * @labels: (nullable): as for sb_metrics_counter()
 *
 * Returns: (transfer none): the histogram of that name and these labels, made at the first call
 */
SbHistogram *
sb_metrics_histogram (SbMetrics *self, const char *name, const char *help, const char *labels)
{
  g_return_val_if_fail (SB_IS_METRICS (self), NULL);
  g_return_val_if_fail (name != NULL && is_name (name), NULL);
  g_return_val_if_fail (help != NULL, NULL);

  return sb_metrics_histogram_with_bounds (self, name, help, labels, bounds, G_N_ELEMENTS (bounds));
}

/**
 * sb_metrics_histogram_with_bounds:
 * @self: metrics
 * @name: its name, with the unit at its end
 * @help: one line for people
 * @labels: (nullable): as for sb_metrics_counter()
 * @upper: (array length=n_upper): upper ends of the buckets, ascending; static, and the same for
 *   all series of the name
 * @n_upper: how many, at least one and at most 24
 *
 * For what is no duration, or one of hours.
 *
 * Returns: (transfer none): the histogram of that name and these labels, made at the first call
 */
SbHistogram *
sb_metrics_histogram_with_bounds (SbMetrics *self, const char *name, const char *help,
                                  const char *labels, const double *upper, guint n_upper)
{
  SbHistogram *histogram;

  g_return_val_if_fail (SB_IS_METRICS (self), NULL);
  g_return_val_if_fail (name != NULL && is_name (name), NULL);
  g_return_val_if_fail (help != NULL, NULL);
  g_return_val_if_fail (n_upper > 0 && n_upper <= MAX_BOUNDS, NULL);

  histogram = &get_series (self, name, help, labels, HISTOGRAM)->histogram;
  histogram->bounds = upper;
  histogram->n_bounds = n_upper;
  return histogram;
}

/**
 * sb_histogram_observe:
 * @histogram: a histogram
 * @value: a duration in seconds, or whatever it is of; a negative one, of a clock that was set
 *   back, counts as 0
 *
 * Counts a value. A handful of comparisons: fit for every message.
 */
void
sb_histogram_observe (SbHistogram *histogram, double value)
{
  guint low = 0;
  guint high = histogram->n_bounds;

  if (!(value > 0))
    value = 0;
  while (low < high)
    {
      guint middle = (low + high) / 2;

      if (value <= histogram->bounds[middle])
        high = middle;
      else
        low = middle + 1;
    }
  histogram->counts[low]++;
  histogram->sum += value;
}

/* Help may hold anything but a line end and a lone backslash. */
static void
append_escaped (GString *out, const char *text, gboolean is_label)
{
  for (const char *p = text; *p != '\0'; p++)
    if (*p == '\\')
      g_string_append (out, "\\\\");
    else if (*p == '\n')
      g_string_append (out, "\\n");
    else if (*p == '"' && is_label)
      g_string_append (out, "\\\"");
    else
      g_string_append_c (out, *p);
}

/* The shortest text that reads back as the same number, in no locale. */
static void
append_number (GString *out, double number)
{
  char text[G_ASCII_DTOSTR_BUF_SIZE];

  if (isnan (number))
    g_string_append (out, "NaN");
  else if (isinf (number))
    g_string_append (out, number > 0 ? "+Inf" : "-Inf");
  else
    {
      g_ascii_formatd (text, sizeof text, "%.15g", number);
      if (g_ascii_strtod (text, NULL) != number)
        g_ascii_dtostr (text, sizeof text, number);
      g_string_append (out, text);
    }
}

static void
append_series_name (GString *out, const Family *family, const char *suffix, const Series *series)
{
  g_string_append (out, family->name);
  g_string_append (out, suffix);
  if (*series->labels != '\0')
    g_string_append_printf (out, "{%s}", series->labels);
  g_string_append_c (out, ' ');
}

static void
render_histogram (GString *out, const Family *family, const Series *series)
{
  const char *comma = *series->labels != '\0' ? "," : "";
  const SbHistogram *histogram = &series->histogram;
  guint64 count = 0;

  for (guint i = 0; i <= histogram->n_bounds; i++)
    {
      count += histogram->counts[i];
      g_string_append_printf (out, "%s_bucket{%s%sle=\"", family->name, series->labels, comma);
      append_number (out, i < histogram->n_bounds ? histogram->bounds[i] : INFINITY);
      g_string_append_printf (out, "\"} %" G_GUINT64_FORMAT "\n", count);
    }
  append_series_name (out, family, "_sum", series);
  append_number (out, histogram->sum);
  g_string_append_c (out, '\n');
  append_series_name (out, family, "_count", series);
  g_string_append_printf (out, "%" G_GUINT64_FORMAT "\n", count);
}

typedef struct
{
  GString *out;
  const Family *family;
} Rendering;

static gboolean
render_series (gpointer labels, gpointer value, gpointer data)
{
  const Rendering *rendering = data;
  const Series *series = value;

  if (rendering->family->kind == HISTOGRAM)
    {
      render_histogram (rendering->out, rendering->family, series);
      return FALSE;
    }
  append_series_name (rendering->out, rendering->family, "", series);
  if (has_func (rendering->family))
    append_number (rendering->out, series->gauge.func (series->gauge.user_data));
  else
    g_string_append_printf (rendering->out, "%" G_GUINT64_FORMAT, series->counter.value);
  g_string_append_c (rendering->out, '\n');
  return FALSE;
}

static gboolean
render_family (gpointer name, gpointer value, gpointer data)
{
  const Family *family = value;
  Rendering rendering = { data, family };

  g_string_append_printf (data, "# HELP %s ", family->name);
  append_escaped (data, family->help, FALSE);
  g_string_append_printf (data, "\n# TYPE %s %s\n", family->name, kind_names[family->kind]);
  g_tree_foreach (family->series, render_series, &rendering);
  return FALSE;
}

/**
 * sb_metrics_render:
 * @self: metrics
 *
 * Returns: (transfer full): everything in the text format of Prometheus, version 0.0.4, sorted
 *   by name and labels
 */
char *
sb_metrics_render (SbMetrics *self)
{
  GString *out = g_string_new (NULL);

  g_return_val_if_fail (SB_IS_METRICS (self), g_string_free (out, FALSE));

  self->is_rendering = TRUE;
  g_tree_foreach (self->families, render_family, out);
  self->is_rendering = FALSE;
  return g_string_free (out, FALSE);
}

/**
 * sb_metrics_label:
 * @name: the name of a label
 * @value: its value, any text
 *
 * Returns: (transfer full): `name="value"`, escaped, for the labels of a series
 */
char *
sb_metrics_label (const char *name, const char *value)
{
  g_autofree char *valid = NULL;
  GString *out;

  g_return_val_if_fail (name != NULL && is_name (name), NULL);
  g_return_val_if_fail (value != NULL, NULL);

  valid = g_utf8_make_valid (value, -1);
  out = g_string_new (name);
  g_string_append (out, "=\"");
  append_escaped (out, valid, TRUE);
  g_string_append_c (out, '"');
  return g_string_free (out, FALSE);
}
