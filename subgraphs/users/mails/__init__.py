"""What the mails of users say (`texts`), and who sends them (`postman`)."""
