-- Each posting of interest has the transactions of its amounts, of the account's owner and plan, and the tax of the rate
-- valid on the value day. Periods follow each other from the opening, and the account stores what the newest one left.
WITH postings AS (
    SELECT i.*, a.user_id, a.plan_id,
        LAG(i.period_end) OVER (PARTITION BY i.account_id ORDER BY i.period_end) AS ended_before,
        LAG(i.tax_remainder, 1, 0) OVER (PARTITION BY i.account_id ORDER BY i.period_end) AS tax_before,
        LEAD(i.id) OVER (PARTITION BY i.account_id ORDER BY i.period_end) AS following_id,
        (SELECT MIN(r.from_day) FROM savings_rateperiod r WHERE r.account_id = i.account_id) AS opened
    FROM savings_interestposting i JOIN savings_account a ON a.id = i.account_id
),
named AS (SELECT p.*, 'posting ' || p.id || ' of account ' || p.account_id AS name FROM postings p)
SELECT name, 'a period from day ' || period_start, 'one from day ' || COALESCE(ended_before, opened)
FROM named WHERE period_start <> COALESCE(ended_before, opened, period_start)
UNION ALL
SELECT name, 'a tax of ' || tax_kobo || ' and a remainder of ' || tax_remainder,
    (gross_kobo * tax_rate_bps + tax_before) / 10000 || ' and ' || (gross_kobo * tax_rate_bps + tax_before) % 10000
FROM named
WHERE tax_kobo <> (gross_kobo * tax_rate_bps + tax_before) / 10000
    OR tax_remainder <> (gross_kobo * tax_rate_bps + tax_before) % 10000
UNION ALL
SELECT n.name, n.gross_kobo || ' by ' || COALESCE(t.kind || ' ' || t.status || ' ' || t.amount_kobo, 'nothing'), 'its interest'
FROM named n LEFT JOIN savings_transaction t ON t.id = n.interest_id
WHERE n.gross_kobo > 0 AND (t.id IS NULL OR t.kind <> 'interest' OR t.amount_kobo <> n.gross_kobo
    OR t.status NOT IN {settled} OR COALESCE(t.user_id, 0) <> n.user_id OR COALESCE(t.plan_id, 0) <> n.plan_id)
UNION ALL
SELECT n.name, n.tax_kobo || ' by ' || COALESCE(t.kind || ' ' || t.status || ' ' || t.amount_kobo, 'nothing'), 'its tax'
FROM named n LEFT JOIN savings_transaction t ON t.id = n.tax_id
WHERE n.tax_kobo > 0 AND (t.id IS NULL OR t.kind <> 'tax_withheld' OR t.amount_kobo <> n.tax_kobo
    OR t.status NOT IN {settled} OR COALESCE(t.part_of_id, 0) <> n.interest_id)
UNION ALL
SELECT n.name, 'a tax rate of ' || n.tax_rate_bps, COALESCE(rate.rate_bps, 0) || ' on ' || l.value_on
FROM named n
JOIN savings_entry l ON l.transaction_id = n.interest_id AND l.code = 'primary'
LEFT JOIN savings_taxrate rate ON rate.from_on = (
    SELECT MAX(r.from_on) FROM savings_taxrate r WHERE r.from_on <= l.value_on
)
WHERE n.tax_rate_bps <> COALESCE(rate.rate_bps, 0)
UNION ALL
SELECT 'account ' || a.id, 'a tax remainder of ' || a.tax_remainder || ', next due on day ' || COALESCE(a.interest_due, 0),
    'a remainder of ' || COALESCE(n.tax_remainder, 0) || ', due within 31 days of day ' || COALESCE(n.period_end, o.opened)
FROM savings_account a
JOIN savings_plan p ON p.id = a.plan_id
LEFT JOIN named n ON n.account_id = a.id AND n.following_id IS NULL
LEFT JOIN (SELECT account_id, MIN(from_day) AS opened FROM savings_rateperiod GROUP BY account_id) o ON o.account_id = a.id
WHERE a.tax_remainder <> COALESCE(n.tax_remainder, 0)
    OR p.closed_at IS NULL AND (a.interest_due <= COALESCE(n.period_end, o.opened) OR a.interest_due > n.period_end + 31)
UNION ALL
-- No interest or tax of a plan is posted without its period: that of one period twice, in halves, is found. A correction
-- by staff has its own tax, at the rate of its day.
SELECT 'transaction ' || t.reference, t.kind || ' of ' || t.amount_kobo || ' without a period', 'a posting of its period'
FROM savings_transaction t
LEFT JOIN savings_interestposting i ON i.interest_id = t.id
LEFT JOIN savings_interestposting x ON x.tax_id = t.id
WHERE t.plan_id IS NOT NULL AND t.status IN {settled}
    AND (t.kind = 'interest' AND i.id IS NULL OR t.kind = 'tax_withheld' AND x.id IS NULL
        AND NOT EXISTS (
            SELECT 1 FROM savings_transaction c
            JOIN savings_entry l ON l.transaction_id = t.id AND l.code = 'primary'
            JOIN savings_taxrate rate ON rate.from_on = (
                SELECT MAX(r.from_on) FROM savings_taxrate r WHERE r.from_on <= l.value_on
            )
            WHERE c.id = t.part_of_id AND c.kind = 'interest_correction'
                AND t.amount_kobo = c.amount_kobo * rate.rate_bps / 10000
        ))
UNION ALL
-- A closed plan has had its interest, or gets what a refund gave back on its next due day. Less than one kobo is left. A
-- running plan that pays monthly has a next due day.
SELECT 'plan ' || p.id, a.accrued_numerator || ' of interest not posted, and it is closed', 'less than ' || {per_kobo}
FROM savings_plan p JOIN savings_account a ON a.plan_id = p.id
WHERE p.closed_at IS NOT NULL AND a.accrued_numerator >= {per_kobo} AND a.interest_due IS NULL
UNION ALL
-- A plan that ends in the stash is empty a day after its maturity, and a day after money came later. What a refund gave
-- back has its next due day, as above.
SELECT 'plan ' || p.id, a.balance_kobo || ' and a numerator of ' || a.accrued_numerator || ' after its end', '0, in the stash'
FROM savings_plan p JOIN savings_account a ON a.plan_id = p.id
WHERE p.closed_at IS NULL AND p.at_maturity = 'stash' AND p.matures_on IS NOT NULL
    AND {day_of_maturity} < {today} - 1
    AND (a.balance_kobo > 0 OR a.accrued_numerator >= {per_kobo} AND a.interest_due IS NULL)
    AND NOT EXISTS (
        SELECT 1 FROM savings_entry l WHERE l.credit_account_id = a.id AND {seconds_of_posting} > {now_seconds} - 86400
    )
UNION ALL
SELECT 'plan ' || p.id, 'no next due day', 'one, by post_missed_interest'
FROM savings_plan p JOIN savings_account a ON a.plan_id = p.id
WHERE p.closed_at IS NULL AND (p.interest_paid = 'monthly' OR p.matures_on IS NULL) AND a.interest_due IS NULL
    AND (p.matures_on IS NULL OR {day_of_maturity} > {today} + 31)
ORDER BY 1
