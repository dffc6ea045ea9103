-- A plan's unposted interest is the sum of end-of-day balance x days x rate since the plan was opened, less the
-- interest posted. No account has accrued up to a day in the future.
WITH legs AS ({legs}),
history AS (
    -- An entry never counts for an earlier day than the entry before it, so a clock that goes back adds no interest.
    SELECT l.account_id, l.id,
        SUM(l.change) OVER entries AS total,
        MAX({day_of_entry}) OVER entries AS day
    FROM legs l JOIN savings_account a ON a.id = l.account_id
    WHERE a.kind = 'plan'
    WINDOW entries AS (PARTITION BY l.account_id ORDER BY l.id ROWS UNBOUNDED PRECEDING)
),
days AS (
    SELECT h.account_id, h.id, h.total,
        {least}(a.accrues_until, {greatest}(h.day, {day_of_opening})) AS day
    FROM history h JOIN savings_account a ON a.id = h.account_id JOIN savings_plan p ON p.id = a.plan_id
),
spans AS (
    SELECT account_id, total, day, LEAD(day) OVER (PARTITION BY account_id ORDER BY id) AS next_day FROM days
),
earned AS (
    SELECT s.account_id, MAX(s.day) AS last_day,
        SUM(s.total * (COALESCE(s.next_day, a.accrued_to) - s.day) * a.rate_bps) AS numerator
    FROM spans s JOIN savings_account a ON a.id = s.account_id
    GROUP BY s.account_id
),
paid AS (
    SELECT plan_id, SUM(amount_kobo) AS kobo FROM savings_transaction
    WHERE kind = 'interest' AND status IN {settled} AND plan_id IS NOT NULL
    GROUP BY plan_id
),
compared AS (
    SELECT a.id, a.accrued_numerator, a.accrued_to,
        COALESCE(e.numerator, 0) - COALESCE(i.kobo, 0) * {per_kobo} AS numerator,
        {greatest}(COALESCE(e.last_day, {day_of_opening}, a.accrued_to), {today}) AS latest_day
    FROM savings_account a
    LEFT JOIN earned e ON e.account_id = a.id
    LEFT JOIN savings_plan p ON p.id = a.plan_id
    LEFT JOIN paid i ON i.plan_id = a.plan_id
)
SELECT 'account ' || id,
    'a numerator of ' || accrued_numerator || ' on day ' || accrued_to,
    numerator || ' on a day up to ' || latest_day
FROM compared
WHERE accrued_numerator <> numerator OR accrued_to > latest_day
ORDER BY id
